/** What a hospital relies on in `graft site receive`: nothing acknowledged is lost, nothing is done twice, strangers get nothing. */
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/audit/index.js';
import { preprocessingSchema, storedObject } from '../../src/data/index.js';
import { acceptanceIn, proposalPdu } from '../../src/pacs/dimse/association.js';
import { commandFields, decodeCommand, encodeCommand, statuses } from '../../src/pacs/dimse/command.js';
import { dataPdu, PduReader, pduOf, piecesIn } from '../../src/pacs/dimse/pdu.js';
import { saveSegmenter } from '../../src/segmenter/index.js';
import { graft } from '../cli/graft.js';
import { decode, encode, planted, temporaryFolder, writeSeries } from '../dicom/fixtures.js';
import { type CertificateFiles, past, testAuthority } from '../pacs/certificates.js';
import { unetSegmenter } from '../segmenters.js';
import { describeWithDcmtk, StoreScp, store, tlsArguments, tool } from './dcmtk.js';
import { Receiver } from './receiver.js';

const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
let count = 0;
const place = () => at(`place${count++}`);
const uid = '1.2.826.0.1.3680043.8.498.4711.2';
const size = { slices: 6, rows: 24, columns: 24, pixelSpacing: [8, 8] as [number, number], spacing: 8 };

const running: (Receiver | StoreScp)[] = [];
const stop = (one: Receiver | StoreScp) => ('acts' in one ? one.end('SIGKILL') : one.stop());
afterEach(async () => {
  for (const one of running.splice(0)) await stop(one);
});

/** A receiver that listens. */
async function receive(out: string, ...args: string[]): Promise<Receiver> {
  const quiet = args.includes('--quiet-seconds') ? [] : ['--quiet-seconds', '0.3'];
  const model = args.includes('--rules') ? [] : ['--model', at('model.safetensors')];
  const receiver = new Receiver(['--out', out, '--empty', ...model, ...quiet, ...args], {
    XDG_CONFIG_HOME: at('config'),
  });
  running.push(receiver);
  await receiver.until('listening');
  return receiver;
}
async function archive(): Promise<StoreScp> {
  const scp = await StoreScp.at(place());
  running.push(scp);
  return scp;
}
const imagesIn = (out: string) =>
  readdirSync(join(out, 'studies'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /images\/.*\.dcm$/.test(name),
  );

let files: string[];
beforeAll(() => {
  const model = unetSegmenter(
    { inChannels: 1, outChannels: 1, filters: 2 },
    { preprocessing: preprocessingSchema.parse({ spacing: 8, size: [32, 32] }) },
  );
  model.initialise(1);
  saveSegmenter(at('model.safetensors'), model);
  model.dispose();
  files = writeSeries(at('source'), size);
});
afterAll(() => Promise.all(running.map(stop)));

describeWithDcmtk('a receiver', () => {
  it('takes a study, segments it once, and sends a mask that refers to the series', async () => {
    const [out, scp] = [place(), await archive()];
    await scp.start();
    // Longer than a busy machine lets a sender wait between two images.
    const quiet = ['--quiet-seconds', '3'];
    const receiver = await receive(out, ...quiet, '--send-to', `PACS@127.0.0.1:${scp.port}`, '--report');
    expect((await tool('echoscu', '-aec', 'GRAFT', '127.0.0.1', String(receiver.port))).status).toBe(0);
    expect((await store(receiver.port, files)).text.match(/\(Success\)/g)).toHaveLength(6);
    await receiver.until('sent');
    const sent = scp.files.map((file) => decode(readFileSync(file)));
    expect(sent.map(({ Modality }) => Modality).sort()).toEqual(['SEG', 'SR']);
    const mask = sent.find(({ Modality }) => Modality === 'SEG')!;
    const [series] = mask.ReferencedSeriesSequence as {
      SeriesInstanceUID: string;
      ReferencedInstanceSequence: object[];
    }[];
    expect([mask.StudyInstanceUID, mask.PatientID]).toEqual([planted.StudyInstanceUID, planted.PatientID]);
    expect([series.SeriesInstanceUID, series.ReferencedInstanceSequence.length]).toEqual([uid, 6]);

    // Pixels are as they were sent, and no name of a patient is in a path, a log or on the screen.
    const pixels = (file: string) =>
      Buffer.from((decode(readFileSync(file)).PixelData as ArrayBuffer[])[0]).toString('hex');
    const stored = imagesIn(out).map((name) => join(out, 'studies', name));
    expect(stored.map(pixels).sort()).toEqual(files.map(pixels).sort());
    const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).join();
    const logs = ['receiver.jsonl', 'graft-audit.jsonl'].map((name) => readFileSync(join(out, name), 'utf8')).join();
    expect(names + logs + receiver.text).not.toMatch(/PLANTED|4711/);
    expect(verifyAudit(join(out, 'graft-audit.jsonl')).count).toBe(1);

    // The same images once more are acknowledged, and nothing is done.
    expect((await store(receiver.port, files)).status).toBe(0);
    // A further series of the study is.
    const more = writeSeries(place(), { ...size, uid: `${uid}.7` });
    expect((await store(receiver.port, more)).status).toBe(0);
    await receiver.until('sent', 2);
    expect([receiver.count('segmented'), scp.files.length]).toEqual([2, 4]);
    expect(await receiver.end('SIGINT')).toBe(130);
  });

  it('that is killed goes on: what was acknowledged is segmented, what was segmented is sent, each once', async () => {
    const [out, scp] = [place(), await archive()];
    const sendTo = ['--send-to', `PACS@127.0.0.1:${scp.port}`];
    const first = await receive(out, '--quiet-seconds', '600', ...sendTo);
    expect((await store(first.port, files.slice(0, 4))).status).toBe(0);
    const sending = store(first.port, files.slice(4)).catch(() => {});
    await first.end('SIGKILL');
    await sending;
    const held = imagesIn(out).length;
    expect(held).toBeGreaterThanOrEqual(4);

    // While nobody takes the mask.
    const second = await receive(out, ...sendTo);
    expect(await second.until('received')).toMatchObject({ images: held });
    expect(await second.until('not sent')).toMatchObject({ code: 'PACS_UNREACHABLE' });
    expect(second.count('segmented')).toBe(1);
    await second.end('SIGKILL');

    await scp.start();
    const third = await receive(out, ...sendTo);
    expect(await third.until('sent')).toMatchObject({ files: 1 });
    expect([third.count('segmented'), scp.files.length]).toEqual([0, 1]);
    await third.end('SIGKILL');
    // All is done: a fourth one removes the images after their time. The same once more are no news, another series is.
    const fourth = await receive(out, '--keep-days', '0', '--quiet-seconds', '3', ...sendTo);
    await fourth.until('images removed');
    expect((await store(fourth.port, files.slice(0, held))).status).toBe(0);
    await fourth.until('received');
    await store(fourth.port, writeSeries(place(), { ...size, slices: 1, uid: `${uid}.6` }));
    await fourth.until('sent');
    expect(await fourth.end('SIGINT')).toBe(130);
    expect([fourth.count('segmented'), scp.files.length]).toEqual([1, 2]);
  });

  it('killed while it segments, does so again, and leaves a series that it never ends', async () => {
    const out = place();
    const stateFile = () => join(out, 'studies', readdirSync(join(out, 'studies'))[0], 'state.json');
    const done = () => Object.keys(existsSync(stateFile()) ? JSON.parse(readFileSync(stateFile(), 'utf8')).done : {});
    const first = await receive(out);
    await store(first.port, files);
    await first.until('received');
    await first.end('SIGKILL');
    // Where it was quicker than the signal, nothing is left to be done.
    const left = done().length === 0;
    const second = await receive(out);
    if (left) await second.until('segmented');
    await second.end('SIGKILL');
    const [series] = done();
    // As three processes leave it that ended in the middle.
    writeFileSync(stateFile(), JSON.stringify({ begun: { [series]: 3 } }));
    const third = await receive(out);
    expect(await third.until('left alone')).toMatchObject({ reason: 'ended without a result 3 times' });
  });

  it('refuses callers and titles that it does not know', async () => {
    const receiver = await receive(place(), '--allow', 'CT1@127.0.0.0/8,MR1@10.0.0.7');
    expect((await store(receiver.port, files, { calling: 'CT2' })).text).toMatch(/Calling AE Title Not Recognized/);
    expect((await store(receiver.port, files, { calling: 'MR1' })).text).toMatch(/Calling AE Title Not Recognized/);
    expect((await store(receiver.port, files, { called: 'OTHER' })).text).toMatch(/Called AE Title Not Recognized/);
    expect((await store(receiver.port, files)).status).toBe(0);
    // Again and again it is told of seldom.
    for (let i = 0; i < 3; i++) await store(receiver.port, files, { calling: 'CT2' });
    await store(receiver.port, files, { called: 'OTHER' });
    const times = receiver.acts.filter(({ reason }) => reason === 'caller unknown').map((act) => act.times);
    expect(times).toEqual([1, 2, 4]);
  });

  it('closes a connection from an address that it does not know', async () => {
    const receiver = await receive(place(), '--allow', 'CT1@10.0.0.7');
    expect((await store(receiver.port, files)).status).not.toBe(0);
    await receiver.until('refused');
  });

  it('refuses images with 0xA700 where little space is left', async () => {
    const out = place();
    const receiver = await receive(out, '--keep-free-gb', '1000000');
    expect((await store(receiver.port, files.slice(0, 1))).text).toMatch(/OutOfResources/);
    expect(await receiver.until('not stored')).toMatchObject({ reason: 'disk', from: 'CT1' });
    expect(existsSync(join(out, 'studies'))).toBe(false);
  });

  it('refuses images with 0xA700 where one or their study is too large', async () => {
    const out = place();
    const receiver = await receive(out, '--max-instance-mb', '0.004', '--max-study-gb', '0.000005');
    const large = writeSeries(place(), { ...size, rows: 64, columns: 64 });
    for (const file of [large[0], ...files.slice(0, 2)]) await store(receiver.port, [file]);
    expect((await store(receiver.port, files.slice(1, 2))).text).toMatch(/OutOfResources/);
    const reasons = receiver.acts.filter(({ event }) => event === 'not stored').map(({ reason }) => reason);
    expect(reasons).toEqual(['instance too large', 'study too large', 'study too large']);
    expect([readdirSync(join(out, 'incoming')), imagesIn(out).length]).toEqual([[], 1]);
  });

  it('stores nothing whose identifiers are not such', async () => {
    const out = place();
    const receiver = await receive(out);
    for (const [element, value] of [
      ['StudyInstanceUID', '../../escaped'],
      ['SOPInstanceUID', '1.2.3/../../x'],
      ['SeriesInstanceUID', ''],
    ]) {
      const file = at('wrong.dcm');
      writeFileSync(
        file,
        encode({ ...decode(readFileSync(files[0])), [element]: value, _vrMap: { PixelData: 'OW' }, _meta: {} }),
      );
      expect((await store(receiver.port, [file])).text).not.toMatch(/\(Success\)/);
    }
    expect(existsSync(join(out, 'studies'))).toBe(false);
  });

  it('chooses models by rules, and leaves alone what none is about', async () => {
    const out = place();
    writeFileSync(
      at('rules.yaml'),
      'rules:\n  - when: { modality: CT, series: ["planted*", other] }\n    model: model.safetensors\n',
    );
    const receiver = await receive(out, '--rules', at('rules.yaml'));
    const other = writeSeries(place(), { ...size, uid: `${uid}.8`, change: () => ({ SeriesDescription: 'SCOUT' }) });
    await store(receiver.port, [...files, ...other]);
    expect(await receiver.until('left alone')).toMatchObject({ reason: 'no rule' });
    await receiver.until('segmented');
  });
});

describeWithDcmtk('a receiver over TLS', () => {
  let hospital: Awaited<ReturnType<typeof testAuthority>>;
  let own: CertificateFiles;
  let scanner: CertificateFiles;
  beforeAll(async () => {
    hospital = await testAuthority(root, 'hospital');
    [own, scanner] = [await hospital.issue('graft'), await hospital.issue('scanner')];
  });
  const overTls = () => ['--certificate', own.certificate, '--key', own.key];

  it('takes a study from a scanner with a certificate, and sends its mask over TLS with its own', async () => {
    const [out, scp] = [place(), await archive()];
    await scp.start(...tlsArguments(await hospital.issue('pacs'), hospital.ca), '--require-peer-cert');
    const to = `tls://PACS@127.0.0.1:${scp.port}`;
    const required = ['--callers-ca', hospital.ca, '--send-to', to, '--ca', hospital.ca];
    const receiver = await receive(out, ...overTls(), ...required);
    expect(await receiver.until('listening')).toMatchObject({ tls: true });
    const tls = tlsArguments(scanner, hospital.ca);
    const echo = await tool('echoscu', '-aec', 'GRAFT', ...tls, '127.0.0.1', String(receiver.port));
    expect(echo).toEqual({ status: 0, text: '' });
    expect((await store(receiver.port, files, { tls })).text.match(/\(Success\)/g)).toHaveLength(6);
    expect(await receiver.until('sent')).toMatchObject({ files: 1, to });
    expect(scp.files.map((file) => decode(readFileSync(file)).Modality)).toEqual(['SEG']);
  });

  it('takes nothing from callers without a certificate of the authority, with one that has expired, or without TLS', async () => {
    const out = place();
    const receiver = await receive(out, ...overTls(), '--callers-ca', hospital.ca);
    const foreign = await (await testAuthority(root, 'foreign')).issue('scanner');
    const expired = await hospital.issue('expired', '127.0.0.1', past);
    const anonymous = ['--anonymous-tls', '+cf', hospital.ca];
    const older = [...tlsArguments(scanner, hospital.ca), '--profile-aes'];
    let refused = 0;
    for (const [tls, reason] of [
      [anonymous, /DID_NOT_RETURN_A_CERTIFICATE/],
      [tlsArguments(foreign, hospital.ca), /UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/],
      [tlsArguments(expired, hospital.ca), /CERT_HAS_EXPIRED/],
      [older, /NO_SHARED_CIPHER/],
      [[], /WRONG_VERSION_NUMBER/],
    ] as const) {
      expect((await store(receiver.port, files.slice(0, 1), { tls: [...tls] })).text).not.toMatch(/\(Success\)/);
      expect(await receiver.until('broken off', ++refused)).toMatchObject({ reason: expect.stringMatching(reason) });
    }
    expect(existsSync(join(out, 'studies'))).toBe(false);
    // One that says nothing does not keep the program from ending.
    const silent = connect(receiver.port, '127.0.0.1');
    silent.on('error', () => {});
    await once(silent, 'connect');
    expect(await receiver.end('SIGINT')).toBe(130);
  });

  it('asks for no certificates where no authority is named, and one without TLS says that its caller speaks it', async () => {
    const secure = await receive(place(), ...overTls());
    const tls = ['--anonymous-tls', '+cf', hospital.ca];
    expect((await store(secure.port, files.slice(0, 1), { tls })).text).toMatch(/\(Success\)/);
    const plain = await receive(place());
    expect((await store(plain.port, files.slice(0, 1), { tls })).text).not.toMatch(/\(Success\)/);
    expect(await plain.until('broken off')).toMatchObject({ reason: 'it speaks TLS' });
  });

  it('does not begin with a key that others may read, or with an authority for callers and no certificate', () => {
    const receiver = ['site', 'receive', '--out', place(), '--model', at('model.safetensors'), '--json'];
    const exposed = at('exposed.key');
    copyFileSync(own.key, exposed);
    chmodSync(exposed, 0o644);
    const errorOf = (...args: string[]) => graft([...receiver, ...args]).json().error.code;
    expect(errorOf('--certificate', own.certificate, '--key', exposed)).toBe('SECRET_EXPOSED');
    expect(errorOf('--callers-ca', hospital.ca)).toBe('OPTION_INVALID');
    expect(errorOf(...overTls(), '--callers-ca', own.key)).toBe('PACS_TLS_FILE');
    expect(errorOf('--ca', hospital.ca, '--send-to', 'PACS@127.0.0.1:1')).toBe('OPTION_INVALID');
  });
});

describe('a receiver and a peer that breaks the protocol', () => {
  it.each([
    ['speaks another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['announces a message of 4 GB', Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff, 0, 1])],
    ['begins with data', pduOf('data', Buffer.from([0, 0, 0, 2, 1, 3]))],
    ['sends an association without an end', pduOf('ask', Buffer.alloc(68), Buffer.from([0x20, 0, 0xff]))],
  ])('hangs up on one that %s, and goes on', async (_, bytes) => {
    const receiver = await shared();
    const seen = receiver.count('broken off');
    const socket = connect(receiver.port, '127.0.0.1');
    socket.end(bytes);
    for await (const _answer of socket);
    await receiver.until('broken off', seen + 1);
    const line = await Line.open(receiver.port);
    expect(await line.echo()).toBe(statuses.success);
    line.close();
  });

  it('on Ctrl-C stores the object under way, says so, and ends', async () => {
    const out = place();
    const receiver = await receive(out);
    const line = await Line.open(receiver.port);
    const object = storedObject(files[0])!;
    const dataSet = readFileSync(files[0]).subarray(object.start);
    line.send(encodeCommand({ field: commandFields.store, messageId: 1, ...object, hasDataSet: true }), true, true);
    line.send(dataSet.subarray(0, 500), false, false);
    while (readdirSync(join(out, 'incoming')).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const ended = receiver.end('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(receiver.child.exitCode).toBeNull();
    line.send(dataSet.subarray(500), false, true);
    expect((await line.answer()).status).toBe(statuses.success);
    expect((await line.reader.next())?.kind).toBe('abort');
    expect(await ended).toBe(130);
    expect(imagesIn(out)).toHaveLength(1);
  });

  it('does not count an object whose connection breaks', async () => {
    const receiver = await shared();
    const out = sharedOut;
    const seen = receiver.count('broken off');
    const line = await Line.open(receiver.port);
    const object = storedObject(files[0])!;
    line.send(encodeCommand({ field: commandFields.store, messageId: 1, ...object, hasDataSet: true }), true, true);
    line.send(readFileSync(files[0]).subarray(object.start, object.start + 500), false, false);
    line.close();
    await receiver.until('broken off', seen + 1);
    expect(readdirSync(join(out, 'incoming'))).toEqual([]);
    expect(existsSync(join(out, 'studies'))).toBe(false);
  });

  let sharedOut: string;
  let one: Promise<Receiver> | undefined;
  function shared(): Promise<Receiver> {
    sharedOut ??= place();
    one ??= receive(sharedOut).then((receiver) => {
      running.splice(running.indexOf(receiver), 1);
      return receiver;
    });
    return one;
  }
  afterAll(async () => (await one)?.end('SIGKILL'));
});

/** An association, message by message. */
class Line {
  readonly socket: ReturnType<typeof connect>;
  readonly reader: PduReader;

  private constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.reader = new PduReader(this.socket);
  }

  static async open(port: number): Promise<Line> {
    const line = new Line(port);
    const kinds = ['1.2.840.10008.1.1', '1.2.840.10008.5.1.4.1.1.2'];
    const contexts = kinds.map((abstractSyntax, i) => ({
      ...{ id: 2 * i + 1, abstractSyntax, transferSyntaxes: ['1.2.840.10008.1.2.1'] },
    }));
    line.socket.write(proposalPdu({ called: 'GRAFT', calling: 'TEST', contexts }));
    const accepted = await line.reader.next();
    if (accepted?.kind !== 'accept' || acceptanceIn(accepted.body).agreed.size !== 2) throw new Error('not accepted');
    return line;
  }

  send = (bytes: Buffer, command: boolean, last: boolean) =>
    this.socket.write(dataPdu({ context: 3, command, last, bytes }));

  async answer() {
    const pdu = await this.reader.next();
    if (pdu?.kind !== 'data') throw new Error(`answered with ${pdu?.kind}`);
    return decodeCommand(piecesIn(pdu.body)[0].bytes);
  }

  async echo(): Promise<number | undefined> {
    const bytes = encodeCommand({
      field: commandFields.echo,
      messageId: 7,
      sopClass: '1.2.840.10008.1.1',
      hasDataSet: false,
    });
    this.socket.write(dataPdu({ context: 1, command: true, last: true, bytes }));
    return (await this.answer()).status;
  }

  close = () => this.socket.destroy();
}
