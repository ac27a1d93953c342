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
    const { rounds, mu } = this.#label.config;
    const { fresh } = this.#book.state!;
    const global = await this.#global(round);
    if (fresh) await this.#send(fresh, round);
    const task = encodeTask({ kind: 'round', round, rounds, ...global, chosen: [...chosen], mu, fresh });
    await this.#transport.publishTask(task);
  }

  /** Says that the rounds are over, and what they led to. */
  async done(): Promise<void> {
    const { round } = this.#book;
    const global = await this.#global(round + 1);
    await this.#transport.publishTask(encodeTask({ kind: 'done', round, ...global }));
  }

  /** Puts out the global state and what rounds added to frozen weights. @param round that the payload may be forgotten after */
  async #global(round: number) {
    const { config, plan, base } = this.#label;
    const { aggregation, wire, compression } = config;
    const { payload: full } = this.#book.state!;
    const { corrections } = this.#book;
    await this.#send(full, round);
    for (const correction of corrections) {
      if (correction.round <= this.#corrected) continue;
      await this.#send(correction.blob);
      this.#corrected = correction.round;
    }
    const sites = this.#keyNames();
    return { federation: this.#id, sites, base, plan, aggregation, wire, compression, full, corrections };
  }
}
