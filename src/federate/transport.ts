/**
 * What a coordinator and its sites need of whatever lies between them: six methods, two for each kind of traffic. The
 * shape fits a message broker with an object store (a task is a retained message, a site's state a key, a blob an
 * object), and a queue in one process.
 *
 * A transport carries bytes and promises little: tasks and states may come twice, blobs may be gone after a crash.
 * Coordinator and sites keep their own truth and say again what was lost. It need not be trusted: messages are
 * signed, and so are the hashes of blobs.
 */
export interface Transport {
  /** To all sites; the last task is kept for those who come later. */
  publishTask(task: Uint8Array): Promise<void>;
  /** The last task, if there is one, then every new one. */
  watchTasks(signal: AbortSignal): AsyncIterable<Uint8Array>;

  /**
   * Stores bytes, which must not change any more, under their SHA-256. Anyone who has heard what was said after that can get
   * them.
   *
   * @param round the blob may be forgotten once a later round puts blobs; without it, it stays
   */
  putBlob(bytes: Uint8Array, round?: number): Promise<string>;
  /**
   * @param hash 64 hexadecimal digits
   * @param limit bytes; a larger blob is not read
   * @param from at the coordinator: the site that put it, and for which round
   * @returns bytes that are the caller's own
   * @throws GraftError BLOB_MISSING, BLOB_TOO_LARGE
   */
  getBlob(hash: string, limit: number, from?: { site: string; round: number }): Promise<Uint8Array>;

  /** What a site says of itself: that it is there, that it has an update, that it failed. The last is kept. */
  updateState(site: string, state: Uint8Array): Promise<void>;
  /** The last state of every site, then every new one. */
  presence(signal: AbortSignal): AsyncIterable<{ site: string; state: Uint8Array }>;
}
