/**
 * A transport within one process. Blobs lie in memory or in a folder, to save memory: like the messages they are gone
 * when the process ends, and coordinator and sites say again what is needed.
 */
import { shownName } from '../../core/index.js';
import { federateError } from '../errors.js';
import { isHash } from '../messages.js';
import { memoryStore, type Store } from '../store.js';
import { Broadcast } from '../streams.js';
import type { Transport } from '../transport.js';
import { RecentBlobs } from './recent.js';

/**
 * A transport between a coordinator and sites in one process.
 *
 * @param options.blobs where payloads lie: in memory, or in a folder (`folderStore`); what is there is removed
 */
export function localTransport({ blobs = memoryStore() }: { blobs?: Store } = {}): Transport {
  const tasks = new Broadcast<Uint8Array>();
  const said = new Broadcast<{ site: string; state: Uint8Array }>();
  const states = new Map<string, Uint8Array>();
  const recent = new RecentBlobs(blobs);
  let task: Uint8Array | undefined;

  return {
    async publishTask(bytes) {
      task = bytes;
      tasks.push(bytes);
    },
    watchTasks: (signal) => tasks.listen(signal, task ? [task] : []),
    putBlob: (bytes, round) => recent.put(bytes, round),
    async getBlob(hash, limit) {
      const bytes = isHash(hash) ? recent.get(hash, limit) : undefined;
      if (!bytes) throw federateError('BLOB_MISSING', { blob: shownName(hash) });
      return bytes;
    },
    async updateState(site, state) {
      states.set(site, state);
      said.push({ site, state });
    },
    presence: (signal) =>
      said.listen(
        signal,
        [...states].map(([site, state]) => ({ site, state })),
      ),
  };
}
