/** How the coordinator puts a round before its sites: the payloads and corrections that it kept, then the task that names them. */
import type { Blobs } from './blobs.js';
import type { Book, OpenRound } from './book.js';
import type { Label } from './global.js';
import { type BlobReference, encodeTask, keyName } from './messages.js';
import type { Transport } from './transport.js';

export class Publisher {
  readonly #transport: Transport;
  readonly #label: Label;
  /** Of the federation. */
  readonly #id: string;
  readonly #book: Book;
  readonly #blobs: Blobs;
  /** The last round whose corrections this process put out; those of all rounds stay. */
  #corrected = 0;

  constructor(transport: Transport, label: Label, id: string, book: Book, blobs: Blobs) {
    this.#transport = transport;
    this.#label = label;
    this.#id = id;
    this.#book = book;
    this.#blobs = blobs;
  }

  #send = (blob: BlobReference, round?: number) => this.#transport.putBlob(this.#blobs.get(blob), round);

  #keyNames = () => Object.fromEntries([...this.#book.registered].map(([site, { key }]) => [site, keyName(key)]));

  /** Says to the sites what to do; after a restart for the second time, which those that did it take as a question. */
  async round({ round, chosen }: OpenRound): Promise<void> {
    const { config, plan, base } = this.#label;
    const { rounds, aggregation, wire, compression, mu } = config;
    const { payload: full, fresh } = this.#book.state!;
    await this.#send(full, round);
    if (fresh) await this.#send(fresh, round);
    for (const correction of this.#book.corrections) {
      if (correction.round <= this.#corrected) continue;
      await this.#send(correction.blob);
      this.#corrected = correction.round;
    }
    const task = encodeTask({
      ...{ kind: 'round', federation: this.#id, round, rounds, sites: this.#keyNames(), chosen: [...chosen] },
      ...{ base, plan, aggregation, wire, compression, mu, full, fresh, corrections: this.#book.corrections },
    });
    await this.#transport.publishTask(task);
  }

  async done(): Promise<void> {
    const task = encodeTask({ kind: 'done', federation: this.#id, sites: this.#keyNames() });
    await this.#transport.publishTask(task);
  }
}
