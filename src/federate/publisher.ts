/** How the coordinator speaks to its sites: it sends a round's payloads and corrections, then the signed task that names them. */
import type { Blobs } from './blobs.js';
import type { Book, OpenRound } from './book.js';
import type { Label } from './global.js';
import type { BlobReference, Task } from './messages.js';
import { keyName, type SigningKey } from './signing.js';
import type { Transport } from './transport.js';

export class Publisher {
  readonly #transport: Transport;
  readonly #label: Label;
  readonly #signing: SigningKey;
  /** Named in every task. */
  readonly #place: { federation: string; session: string };
  readonly #book: Book;
  readonly #blobs: Blobs;
  /** The last round whose corrections this process put out; those of all rounds stay. */
  #corrected = 0;

  constructor(
    transport: Transport,
    label: Label,
    identity: SigningKey,
    place: { federation: string; session: string },
    book: Book,
    blobs: Blobs,
  ) {
    this.#transport = transport;
    this.#label = label;
    this.#signing = identity;
    this.#place = place;
    this.#book = book;
    this.#blobs = blobs;
  }

  #send = async (blob: BlobReference, round?: number) => this.#transport.putBlob(await this.#blobs.load(blob), round);

  #publish = (task: Task) => this.#transport.publishTask(this.#signing.seal('coordinator', task));

  /** Asks the sites who they are. */
  open(): Promise<void> {
    return this.#publish({ kind: 'open', ...this.#place });
  }

  /** Tells the sites what to do; after a restart it tells them again, and those that are done answer again. */
  async round({ round, chosen, taken }: OpenRound): Promise<void> {
    const { rounds, mu } = this.#label.config;
    const { fresh } = this.#book.state!;
    const global = await this.#global(round);
    if (fresh) await this.#send(fresh, round);
    const { registered } = this.#book;
    const names = Object.fromEntries([...chosen].map((site) => [site, keyName(registered.get(site)!.key)]));
    await this.#publish({ kind: 'round', round, rounds, ...global, chosen: names, taken, mu, fresh });
  }

  /** Says that the rounds are over, and what they led to. */
  async done(): Promise<void> {
    const { round, registered } = this.#book;
    const global = await this.#global(round + 1);
    await this.#publish({ kind: 'done', round, ...global, sites: [...registered.keys()].sort() });
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
    return { ...this.#place, base, plan, aggregation, wire, compression, full, corrections };
  }
}
