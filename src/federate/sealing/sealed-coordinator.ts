/** The coordinator's side of a sealed transport: nobody else but the admitted sites reads what it says, nobody but it what they say. */
import type { KeyObject } from 'node:crypto';
import { shownName } from '../../core/index.js';
import { federateError } from '../errors.js';
import { stateLimit } from '../messages.js';
import type { Transport } from '../transport.js';
import { fetchBlob, SealedBlobs } from './blobs.js';
import { contextOf } from './context.js';
import { type Epoch, epochFor, ringOf } from './epoch.js';
import { sealingKeyOf } from './keys.js';
import { type Parcel, packParcel, unpackParcel } from './parcel.js';
import { Refusals, type Refused } from './refusals.js';
import { openState } from './sealed-state.js';
import { sealTask } from './sealed-task.js';

export interface SealedCoordinatorOptions {
  /** The study's identity, the same at the coordinator and at every site. */
  federation: string;
  /** The coordinator's private key, X25519. */
  key: KeyObject;
  /** The admitted sites with their public keys: X25519, DER in base64. */
  sites: Readonly<Record<string, string>>;
  /** Head of the coordinator's journal, which goes with every task. */
  head?: () => string | undefined;
  /** Is told why something was not opened: of each site once until something of it could be. */
  refused?: Refused;
}

export interface SealedCoordinator extends Transport {
  /**
   * From now on only these sites can read what is said, and are heard: a new epoch, in which the last task is said again. Who
   * was left out keeps what it has read.
   *
   * @throws GraftError SEALING_KEY_INVALID; as `publishTask`
   */
  admit(sites: Readonly<Record<string, string>>): Promise<void>;
  /** Heads of the sites' journals, as they last told them. */
  readonly heads: ReadonlyMap<string, string>;
}

/** Blobs of one site that are known at a time; an update is one. */
const referenceLimit = 8;
/** Bytes of what a parcel holds beside a site's state, at most. */
const parcelLimit = 2 ** 13;

/**
 * A transport whose carrier can neither read nor change what the coordinator and the sites say and send.
 *
 * @throws GraftError SEALING_KEY_INVALID. `getBlob` also throws SEAL_BROKEN.
 */
export function sealedCoordinator(
  transport: Transport,
  { federation, key, sites, head, refused = () => {} }: SealedCoordinatorOptions,
): SealedCoordinator {
  const blobs = new SealedBlobs(transport, key, contextOf(federation, 'coordinator blob'));
  const refusals = new Refusals(refused);
  const heads = new Map<string, string>();
  /** Where the blobs of each site are: those of its last messages, since one that came after may be judged later. */
  const references = new Map<string, Parcel['references']>();
  let admitted: ReadonlyMap<string, KeyObject>;
  /** The epoch of these members, and where its key ring lies. */
  let current: { members: typeof admitted; epoch: Epoch; ring: string } | undefined;

  /** The last task, which those who are admitted later have to hear. */
  let last: Uint8Array | undefined;

  const know = (now: Readonly<Record<string, string>>) => {
    admitted = new Map(Object.entries(now).map(([site, text]) => [site, sealingKeyOf(text, site)]));
    for (const site of references.keys()) if (!admitted.has(site)) references.delete(site);
  };
  know(sites);

  const epochNow = async () => {
    const members = admitted;
    if (current?.members !== members) {
      const epoch = epochFor(federation, key, members);
      const ring = await transport.putBlob(ringOf(federation, epoch, key, members));
      current = { members, epoch, ring };
    }
    return current;
  };

  const open = (site: string, state: Uint8Array): Uint8Array => {
    const sender = admitted.get(site);
    const shown = shownName(site);
    if (!sender) throw federateError('SITE_UNADMITTED', { site: shown });
    const what = `The state of ${shown}`;
    const malformed = (reason: string) => federateError('SEAL_MALFORMED', { what, reason });
    if (state.length > stateLimit + parcelLimit) throw malformed(`it has ${state.length} bytes`);
    const plain = openState(state, { federation, site, key, sender });
    if (plain === 'malformed') throw malformed('it has no header that this version knows');
    if (plain === 'misaddressed') throw federateError('SEAL_MISADDRESSED', { what });
    if (plain === 'broken') throw federateError('SEAL_BROKEN', { what });
    const parcel = unpackParcel(plain);
    if (!parcel) throw malformed('it holds no parcel');
    const known = [...parcel.references, ...(references.get(site) ?? [])];
    references.set(site, known.slice(0, referenceLimit));
    if (parcel.head) heads.set(site, parcel.head);
    return parcel.message;
  };

  const publish = async (message: Uint8Array) => {
    const { epoch, ring } = await epochNow();
    const parcel = packParcel({ message, head: head?.(), references: blobs.references });
    await transport.publishTask(sealTask(parcel, federation, epoch, ring));
  };

  return {
    heads,
    async admit(now) {
      know(now);
      if (last) await publish(last);
    },
    publishTask(message) {
      last = message;
      return publish(message);
    },
    watchTasks() {
      throw new Error('a coordinator publishes tasks');
    },
    putBlob: (bytes, round) => blobs.put(bytes, round),
    async getBlob(hash, limit, from) {
      const reference = references.get(from?.site ?? '')?.find((one) => one.hash === hash);
      if (!from || !reference) throw federateError('BLOB_MISSING', { blob: shownName(hash) });
      return fetchBlob(transport, reference, contextOf(federation, 'site blob', from.site), limit, from);
    },
    updateState() {
      throw new Error('a coordinator has no state');
    },
    async *presence(signal) {
      for await (const { site, state } of transport.presence(signal)) {
        // Names that nobody admitted are as many as somebody likes.
        const opened = await refusals.unless(admitted.has(site) ? site : '', () => open(site, state));
        if (opened) yield { site, state: opened };
      }
    },
  };
}
