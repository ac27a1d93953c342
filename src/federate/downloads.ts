/**
 * What a site fetches for a round: the global state, and what rounds added to frozen weights. The site's own network decides
 * how large they may be and which tensors of which shapes are loaded.
 */
import { runWithPauses } from '../core/index.js';
import { copyState, disposeState, pick, type State } from '../nn/index.js';
import { aggregations } from './aggregation/index.js';
import { hashing } from './blobs.js';
import { correctionLimit, withCorrections } from './corrections.js';
import { federateError } from './errors.js';
import type { Remembered } from './memory.js';
import type { BlobReference, GlobalTask, RoundTask } from './messages.js';
import { allFinite } from './state-bytes.js';
import type { LocalTrainer } from './trainer.js';
import type { Transport } from './transport.js';
import { checkTensors, payloadLimit } from './update.js';
import { type CodedState, decodePayload, receive, wireFormats } from './wire/index.js';

const from = 'the coordinator';

export class Downloads {
  readonly #site: string;
  readonly #trainer: Pick<LocalTrainer, 'base' | 'travelling' | 'correct'>;
  readonly #transport: Transport;
  /**
   * Bytes that the round under way takes: its task and what is fetched for it, each once. What is fetched again because
   * the process was killed does not count, so that the number does not depend on how often that happened.
   */
  bytes = 0;
  /** Bytes of the corrections that this process handed to the trainer, by their round. */
  readonly #corrected = new Map<number, number>();

  constructor(site: string, trainer: Pick<LocalTrainer, 'base' | 'travelling' | 'correct'>, transport: Transport) {
    this.#site = site;
    this.#trainer = trainer;
    this.#transport = transport;
  }

  /**
   * All shared tensors: what changed since the last round and the others as remembered, or everything anew. The caller
   * owns them.
   *
   * @throws GraftError SITE_OTHER_BASE, PAYLOAD_INVALID, BLOB_MISSING, BLOB_TOO_LARGE
   */
  async global(task: GlobalTask & Pick<RoundTask, 'fresh'>, before: Remembered | undefined): Promise<State> {
    const { base } = this.#trainer;
    const shown = (fingerprint: string) => fingerprint.slice(0, 12);
    if (task.base !== base)
      throw federateError('SITE_OTHER_BASE', { site: this.#site, expected: shown(task.base), found: shown(base) });
    const { personal, trains } = aggregations[task.aggregation];
    const format = wireFormats[task.wire];
    const shared = pick(this.#trainer.travelling(), (name) => !personal(name));
    const goesOn = before?.round === task.round - 1 && before.received.size > 0;
    const [blob, wanted] =
      goesOn && task.fresh ? [task.fresh, pick(shared, (name) => trains(name, task.round - 1))] : [task.full, shared];
    const { coded, bytes } = await this.#fetch(blob, task, payloadLimit(wanted.values()));
    checkTensors(coded, wanted, from);
    this.bytes += bytes;
    const fresh = receive(coded, format);
    const spoiled = [...fresh].find(([, value]) => !allFinite(value));
    if (spoiled) {
      disposeState(fresh);
      throw federateError('PAYLOAD_INVALID', { from, reason: `${spoiled[0]} holds values that are no finite numbers` });
    }
    if (!goesOn || !task.fresh) return fresh;
    return new Map([...copyState(pick(before.received, (name) => !fresh.has(name))), ...fresh]);
  }

  /**
   * Hands over what rounds added to frozen weights: all of it in a new process, whose network is as it was at first.
   *
   * @param since the round that the site trained last: what came before is no traffic of this round
   * @throws GraftError CORRECTION_UNSUPPORTED, PAYLOAD_INVALID, BLOB_MISSING, BLOB_TOO_LARGE
   */
  async correct(task: GlobalTask, since: number): Promise<void> {
    const trainer = this.#trainer;
    if (aggregations[task.aggregation].corrects && !trainer.correct)
      throw federateError('CORRECTION_UNSUPPORTED', { site: this.#site, aggregation: task.aggregation });
    for (const { round, blob } of task.corrections) {
      if (!this.#corrected.has(round)) {
        const own = trainer.travelling();
        const { coded, bytes } = await this.#fetch(blob, task, correctionLimit(own));
        withCorrections(coded, wireFormats[task.wire], own, (corrections) => trainer.correct?.(round, corrections));
        this.#corrected.set(round, bytes);
      }
      if (round >= since) this.bytes += this.#corrected.get(round)!;
    }
  }

  async #fetch(
    { hash }: BlobReference,
    { wire, compression }: GlobalTask,
    limit: number,
  ): Promise<{ coded: CodedState; bytes: number }> {
    const bytes = await this.#transport.getBlob(hash, limit);
    if ((await runWithPauses(hashing(bytes))) !== hash)
      throw federateError('PAYLOAD_INVALID', { from, reason: 'they were changed on their way' });
    const { coded } = decodePayload(bytes, wireFormats[wire], compression, { limit, from });
    return { coded, bytes: bytes.length };
  }
}
