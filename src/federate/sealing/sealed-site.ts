/** A site's side of a sealed transport: it reads the coordinator's tasks and blobs, and only the coordinator reads what it sends. */
import type { KeyObject } from 'node:crypto';
import { shownName } from '../../core/index.js';
import { federateError } from '../errors.js';
import { taskLimit } from '../messages.js';
import type { Transport } from '../transport.js';
import { fetchBlob, SealedBlobs } from './blobs.js';
import { contextOf } from './context.js';
import { type Epoch, epochIn, ringLimit } from './epoch.js';
import { sealingKeyOf } from './keys.js';
import { type Parcel, packParcel, unpackParcel } from './parcel.js';
import { Refusals, type Refused } from './refusals.js';
import { sealState } from './sealed-state.js';
import { headerOf, openTask } from './sealed-task.js';

export interface SealedSiteOptions {
  /** The study's identity, the same at the coordinator and at every site. */
  federation: string;
  site: string;
  /** The site's private key, X25519. */
  key: KeyObject;
  /** The coordinator's public key: X25519, DER in base64. */
  coordinator: string;
  /** Head of the site's journal, which goes with everything that it says. */
  head?: () => string | undefined;
  /** Is told why a task was not opened: once until one could be. */
  refused?: Refused;
}

export interface SealedSite extends Transport {
  /** Head of the coordinator's journal, as it last told it. */
  readonly coordinatorHead: string | undefined;
}

/** Bytes of what a sealed task has beside the task, at most: where the blobs of about 10,000 rounds are. */
const parcelLimit = 2 ** 20;
/** Epochs whose keys are kept; tasks of earlier ones do not come any more. */
const epochLimit = 4;

/**
 * A transport whose carrier can neither read nor change what the coordinator and the site say and send.
 *
 * @throws GraftError SEALING_KEY_INVALID. `getBlob` also throws SEAL_BROKEN.
 */
export function sealedSite(
  transport: Transport,
  { federation, site, key, coordinator: text, head, refused = () => {} }: SealedSiteOptions,
): SealedSite {
  const coordinator = sealingKeyOf(text, 'the coordinator');
  const blobs = new SealedBlobs(transport, key, contextOf(federation, 'site blob', site));
  const refusals = new Refusals(refused);
  const epochs = new Map<string, Epoch>();
  /** Where the blobs are that the last task needs. */
  let references: Parcel['references'] = [];
  let coordinatorHead: string | undefined;

  /** The key of an epoch, which its key ring holds where it is not known yet. */
  const learn = async (id: string, ring: string): Promise<Epoch> => {
    const known = epochs.get(id);
    if (known) return known;
    const found = epochIn(await transport.getBlob(ring, ringLimit), { federation, site, key, coordinator });
    if (found === 'absent') throw federateError('EPOCH_UNKNOWN', { site });
    if (found === 'broken' || found.id.toString('hex') !== id)
      throw federateError('SEAL_BROKEN', { what: 'The key ring of the coordinator' });
    epochs.set(id, found);
    for (const old of [...epochs.keys()].slice(0, -epochLimit)) epochs.delete(old);
    return found;
  };

  const open = async (task: Uint8Array): Promise<Uint8Array> => {
    const what = 'A task of the coordinator';
    const malformed = (reason: string) => federateError('SEAL_MALFORMED', { what, reason });
    if (task.length > taskLimit + parcelLimit) throw malformed(`it has ${task.length} bytes`);
    const header = headerOf(task);
    if (!header) throw malformed('it has no header that this version knows');
    const plain = openTask(task, federation, await learn(header.epoch, header.ring));
    if (!plain) throw federateError('SEAL_BROKEN', { what });
    const parcel = unpackParcel(plain);
    if (!parcel) throw malformed('it holds no parcel');
    references = parcel.references;
    coordinatorHead = parcel.head;
    return parcel.message;
  };

  return {
    get coordinatorHead() {
      return coordinatorHead;
    },
    publishTask() {
      throw new Error('a site publishes no tasks');
    },
    async *watchTasks(signal) {
      for await (const task of transport.watchTasks(signal)) {
        const opened = await refusals.unless('the coordinator', () => open(task));
        if (opened) yield opened;
      }
    },
    putBlob: (bytes, round) => blobs.put(bytes, round),
    async getBlob(hash, limit) {
      const reference = references.find((one) => one.hash === hash);
      if (!reference) throw federateError('BLOB_MISSING', { blob: shownName(hash) });
      return fetchBlob(transport, reference, contextOf(federation, 'coordinator blob'), limit);
    },
    updateState(name, message) {
      const parcel = packParcel({ message, head: head?.(), references: blobs.references });
      return transport.updateState(name, sealState(parcel, { federation, site, key, coordinator }));
    },
    presence() {
      throw new Error('a site hears tasks alone');
    },
  };
}
