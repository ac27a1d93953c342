/**
 * A transport within one process. Blobs lie in memory or in a folder, to save memory: like the messages they are gone
 * when the process ends, and coordinator and sites say again what is needed.
 */
import { createHash } from 'node:crypto';
import { shownName } from '../../core/index.js';
import { federateError } from '../errors.js';
import { isHash } from '../messages.js';
import { memoryStore, type Store } from '../store.js';
import { type Queue, queueUntil } from '../streams.js';
import type { Transport } from '../transport.js';

/** Calls what is there now and what comes later until the signal. */
function subscribe<T>(watchers: Set<Queue<T>>, first: Iterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const queue = queueUntil<T>(signal);
  for (const value of first) queue.push(value);
  watchers.add(queue);
  signal.addEventListener('abort', () => watchers.delete(queue), { once: true });
  return queue;
}

/**
 * A transport between a coordinator and sites in one process.
 *
 * @param options.blobs where payloads lie: in memory, or in a folder (`folderStore`); what is there is removed
 */
export function localTransport({ blobs = memoryStore() }: { blobs?: Store } = {}): Transport {
  const taskWatchers = new Set<Queue<Uint8Array>>();
  const stateWatchers = new Set<Queue<{ site: string; state: Uint8Array }>>();
  const states = new Map<string, Uint8Array>();
  const rounds = new Map<string, number>();
  let task: Uint8Array | undefined;
  for (const name of blobs.names()) blobs.remove(name);

  const forgetBefore = (round: number) => {
    for (const [hash, put] of rounds)
      if (put < round) {
        blobs.remove(hash);
        rounds.delete(hash);
      }
  };

  return {
    async publishTask(bytes) {
      task = bytes;
      for (const watcher of taskWatchers) watcher.push(bytes);
    },
    watchTasks: (signal) => subscribe(taskWatchers, task ? [task] : [], signal),
    async putBlob(bytes, round) {
      const hash = createHash('sha256').update(bytes).digest('hex');
      blobs.write(hash, bytes);
      if (round === undefined) rounds.delete(hash);
      else {
        rounds.set(hash, round);
        forgetBefore(round);
      }
      return hash;
    },
    async getBlob(hash, limit) {
      const bytes = isHash(hash) ? blobs.read(hash, limit) : undefined;
      if (!bytes) throw federateError('BLOB_MISSING', { blob: shownName(hash) });
      return bytes;
    },
    async updateState(site, state) {
      states.set(site, state);
      for (const watcher of stateWatchers) watcher.push({ site, state });
    },
    presence: (signal) =>
      subscribe(
        stateWatchers,
        [...states].map(([site, state]) => ({ site, state })),
        signal,
      ),
  };
}
