/**
 * What a federation decodes, and hostile bytes for it: valid ones with bits flipped, pieces cut out, doubled or exchanged
 * with those of other messages, numbers and texts replaced, and noise. Where a signature or a check stands before what is
 * to be reached, it is made anew after the change.
 *
 * Plain JavaScript, and given the library's parts, so that a benchmark runs it on the compiled one.
 */

/** @typedef {import('../../../src/core/index.js').Random} Random */

const numbers = [
  '-1',
  '0',
  '1e308',
  '1e999',
  '9007199254740993',
  '0.5',
  'null',
  '"1"',
  '[]',
  '{}',
  'true',
  '4294967296',
];
const texts = [
  '',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '\u0000',
  '\ud800',
  'a'.repeat(3000),
  'toString',
  '1',
];

/** @param {Uint8Array} bytes @param {Random} draw @param {readonly Uint8Array[]} others */
function changed(bytes, draw, others) {
  let out = Buffer.from(bytes);
  for (let count = 1 + draw.integer(3); count > 0; count--) {
    // Beginnings, where lengths and headers are, are changed as often as all the rest.
    const within = draw.chance(0.5) ? Math.min(out.length, 200) : out.length;
    const [at, length] = [draw.integer(within + 1), draw.integer(1 + Math.min(64, out.length))];
    const [before, after] = [out.subarray(0, at), out.subarray(at)];
    const noise = () => Buffer.from(Array.from({ length }, () => draw.integer(256)));
    const other = Buffer.from(others[draw.integer(others.length)]);
    const way = draw.integer(7);
    if (way === 0 && at < out.length) out[at] ^= 1 << draw.integer(8);
    else if (way === 1) out = Buffer.concat([before, out.subarray(at + length)]);
    else if (way === 2) out = Buffer.concat([before, after.subarray(0, length), after]);
    else if (way === 3) out = Buffer.concat([before, noise(), after]);
    else if (way === 4) out = Buffer.concat([before, other.subarray(Math.min(at, other.length))]);
    else if (way === 5) out = Buffer.from(before);
    else if (way === 6) out = draw.chance(0.1) ? noise() : replaced(out, draw);
  }
  return out;
}

/** JSON, or the JSON header of a safetensors file, with one of its numbers or texts replaced. @param {Buffer} bytes @param {Random} draw */
function replaced(bytes, draw) {
  const header = bytes.length > 9 && bytes[8] === 123 && bytes[7] === 0 ? Number(bytes.readBigUInt64LE(0)) : 0;
  const start = header > 0 && header < bytes.length - 8 ? 8 : 0;
  const json = bytes.toString('utf8', start, start === 8 ? 8 + header : bytes.length);
  const places = [...json.matchAll(/-?\d+(\.\d+)?|"[^"]*"/g)];
  if (places.length === 0) return bytes;
  const { 0: found, index } = places[draw.integer(places.length)];
  const text = draw.chance(0.5)
    ? numbers[draw.integer(numbers.length)]
    : JSON.stringify(texts[draw.integer(texts.length)]);
  const body = Buffer.from(json.slice(0, index) + text + json.slice(index + found.length));
  if (start === 0) return body;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(body.length));
  return Buffer.concat([length, body, bytes.subarray(8 + header)]);
}

/** @type {typeof import('./fuzzed.mjs').fuzzedDecoders} */
export function fuzzedDecoders(parts) {
  const { tensor, SigningKey, memoryStore, federationSchema } = parts;
  const key = new SigningKey(memoryStore());
  const place = { federation: 'f'.repeat(16), session: '1'.repeat(32) };
  const blob = { hash: 'a'.repeat(64), length: 400 };
  const said = { site: 'a', ...place };
  const states = [
    { kind: 'present', ...said, key: key.publicKey, base: 'base', slices: 12, cases: 3 },
    { kind: 'update', ...said, round: 1, blob, metrics: { loss: 0.5, 'dice at a': 0.25 }, down: 100 },
    { kind: 'failed', ...said, round: 1, reason: 'none', down: 100 },
  ];
  const settings = { base: 'base', plan: 'lora', aggregation: 'fedex', wire: 'fp32', compression: 'none', mu: 0 };
  const corrections = [{ round: 1, blob }];
  const tasks = [
    { kind: 'open', ...place },
    {
      kind: 'round',
      ...place,
      round: 2,
      rounds: 9,
      chosen: { a: '1'.repeat(16) },
      taken: { a: 1 },
      ...settings,
      full: blob,
      fresh: blob,
      corrections,
    },
    { kind: 'done', ...place },
  ];
  const traffic = { round: 1, site: 'a', down: 10, up: 20 };
  const state = { fingerprint: 'f'.repeat(64), norm: 2, payload: blob, memory: blob };
  const entries = [
    { kind: 'opened', configuration: { rounds: 2, sites: ['a'] }, state, key: key.publicKey, nonce: '2'.repeat(32) },
    { kind: 'registered', site: 'a', key: key.publicKey, slices: 12, cases: 3 },
    { kind: 'published', round: 1, chosen: ['a'] },
    { kind: 'accepted', ...traffic, blob, norm: 1.5, metrics: { loss: 1 } },
    { kind: 'noise', round: 1, dropped: { a: 3 }, strangers: 9 },
    { kind: 'refused', ...traffic, site: 'b', reason: 'none' },
    { kind: 'closed', round: 1, weights: { a: 1 }, missing: ['c'] },
    { kind: 'aggregated', round: 1, error: 0.5, metrics: { dice: 0.5 }, state: { ...state, correction: blob } },
  ];
  const json = (/** @type {object[]} */ values) => values.map((value) => Buffer.from(JSON.stringify(value)));
  const from = (/** @type {Uint8Array[]} */ samples) => (/** @type {Random} */ draw) =>
    changed(samples[draw.integer(samples.length)], draw, samples);

  /** Entries of which one is changed, in lines whose checks are right. @param {Random} draw */
  function ledger(draw) {
    const at = draw.integer(entries.length);
    let check = '';
    const lines = json(entries).map((line, k) => {
      let text = line.toString();
      if (k === at) {
        const bytes = draw.chance(0.5) ? replaced(line, draw) : changed(line, draw, json(entries));
        try {
          text = JSON.stringify(JSON.parse(bytes.toString()));
        } catch {
          text = bytes.toString();
        }
      }
      check = parts.checkOf(check, text);
      return `{"check":"${check}","entry":${text}}\n`;
    });
    return Buffer.from(lines.join(''));
  }

  const values = (/** @type {number} */ count, /** @type {number[]} */ shape) =>
    tensor(
      Float32Array.from({ length: count }, (_, k) => Math.sin(k)),
      shape,
    ).keep();
  const [a, b] = ['layer.lora_A', 'layer.lora_B'];
  const global = new Map([
    [a, values(2 * 70, [2, 70])],
    [b, values(5 * 2, [5, 2])],
    ['bias', values(5, [5])],
  ]);
  const names = [...global.keys()].sort();
  const metadata = { site: 'a', round: '1', base: 'base', plan: 'lora' };
  /** @type {ReturnType<typeof fuzzedDecoders>} */
  const payloads = {};
  for (const wire of /** @type {const} */ (['fp32', 'bf16', 'int8']))
    for (const compression of /** @type {const} */ (['none', 'deflate'])) {
      const format = parts.wireFormats[wire];
      const { coded } = parts.send(global, format, new Map());
      const { bytes } = parts.encodePayload(coded, format, metadata, 'none');
      // A digest of the content, which a payload may have and need not: changed bytes do not fit it.
      const sealed = parts.encodePayload(coded, format, { ...metadata, 'graft.sha256': '0'.repeat(64) }, 'none').bytes;
      const label = { base: 'base', plan: 'lora', config: federationSchema.parse({ wire, compression }) };
      const packed = (/** @type {Uint8Array} */ one) => parts.compress(one, compression);
      const whole = packed(bytes);
      payloads[`update ${wire} ${compression}`] = {
        // Changed before it is compressed, or after.
        make(draw) {
          if (draw.chance(0.3)) return changed(whole, draw, [whole]);
          return packed(changed(draw.chance(0.9) ? bytes : sealed, draw, [bytes, sealed]));
        },
        decode: (one) => parts.judgeUpdate(one, label, { round: 1, site: 'a', names, global }),
        codes: parts.refusedCodes,
      };
      const limit = parts.correctionLimit(global);
      const pair = new Map([...coded].filter(([name]) => name !== 'bias'));
      const sum = packed(parts.encodePayload(pair, format, metadata, 'none').bytes);
      const sealedSum = packed(parts.encodePayload(pair, format, { 'graft.sha256': '0' }, 'none').bytes);
      payloads[`correction ${wire} ${compression}`] = {
        make: from([sum, sealedSum]),
        decode(one) {
          const { coded } = parts.decodePayload(one, format, compression, { limit, from: 'a' });
          parts.withCorrections(coded, format, global, () => {});
        },
        codes: ['PAYLOAD_INVALID'],
      };
    }
  const store = memoryStore();
  store.write('memory', parts.encodeStates({ local: global, received: global }, { round: '1' }));
  const memory = /** @type {Uint8Array} */ (store.read('memory'));
  const envelopes = [key.seal('site', states[1]), key.seal('coordinator', tasks[1])];
  const [mine, theirs, signer] = ['x25519', 'x25519', 'ed25519'].map((type) => parts.generateKeyPairSync(type));
  const sealing = { federation: 'study', site: 'a', key: theirs.privateKey, coordinator: mine.publicKey };
  const opening = { ...sealing, key: mine.privateKey, sender: theirs.publicKey };
  const members = new Map([['a', theirs.publicKey]]);
  const epoch = parts.epochFor('study', mine.privateKey, members);
  const reference = { hash: 'a'.repeat(64), address: 'b'.repeat(64), key: Buffer.alloc(32) };
  const parcel = parts.packParcel({ message: envelopes[0], head: 'c'.repeat(64), references: [reference, reference] });
  let journal = '';
  for (let i = 0, head = parts.origin; i < 3; i++) {
    const by = { at: '2026-01-02T03:04:05.000Z', by: 'a', user: 'meyer', graft: '0.1.0' };
    const first = i === 0 ? { key: signer.publicKey.export({ type: 'spki', format: 'der' }).toString('base64') } : {};
    const act = { act: 'update.sent', round: i, hashes: { update: blob.hash }, ...by, ...first };
    const line = parts.signedLine(parts.lineOf(head, act), signer.privateKey);
    head = parts.hashOf(line);
    journal += `${line}\n`;
  }
  return {
    'sealed tasks': {
      make: from([parts.sealTask(parcel, 'study', epoch, blob.hash)]),
      decode: (bytes) => parts.headerOf(bytes) && parts.openTask(bytes, 'study', epoch),
      codes: [],
    },
    'sealed states': {
      make: from([parts.sealState(parcel, sealing)]),
      decode: (bytes) => parts.openState(bytes, opening),
      codes: [],
    },
    'key rings': {
      make: from([parts.ringOf('study', epoch, mine.privateKey, members)]),
      decode: (bytes) => parts.epochIn(bytes, sealing),
      codes: [],
    },
    parcels: { make: from([parcel]), decode: (bytes) => parts.unpackParcel(bytes), codes: [] },
    journals: {
      make: from([Buffer.from(journal)]),
      decode: (bytes) => parts.readChain(Buffer.from(bytes), parts.isLine, { check: parts.signatureCheck() }),
      codes: [],
    },
    envelopes: {
      make: from(envelopes),
      decode: (bytes) =>
        parts.openEnvelope(bytes, { speaker: 'site', limit: parts.stateLimit, from: 'a' }).signedBy(key.publicKey),
      codes: ['MESSAGE_INVALID'],
    },
    keys: {
      make: from([Buffer.from(key.publicKey)]),
      decode: (bytes) => parts.checkKey(Buffer.from(bytes).toString(), 'a'),
      codes: ['KEY_INVALID'],
    },
    states: {
      make: from(json(states)),
      decode: (bytes) => parts.siteStateOf(Buffer.from(bytes).toString(), 'a'),
      codes: ['MESSAGE_INVALID'],
    },
    tasks: {
      make: from(json(tasks)),
      decode: (bytes) => parts.taskOf(Buffer.from(bytes).toString()),
      codes: ['MESSAGE_INVALID'],
    },
    ledgers: {
      make: ledger,
      decode(bytes) {
        const book = new parts.Book();
        for (const entry of parts.parseLedger(Buffer.from(bytes), 'ledger').entries) book.apply(entry);
        return book.blobs;
      },
      codes: ['LEDGER_DAMAGED'],
    },
    memories: {
      make: from([memory]),
      decode(bytes) {
        const { parts: found } = parts.decodeStates(bytes, ['local', 'received'], 'memory');
        for (const state of Object.values(found)) for (const value of state.values()) value.dispose();
      },
      codes: ['SAFETENSORS_INVALID', 'SAFETENSORS_DAMAGED', 'PAYLOAD_INVALID', 'TENSOR_DTYPE_UNSUPPORTED'],
    },
    ...payloads,
  };
}
