/** Fine-tuning a part of a network by a plan, without rounds: on one site's cases, or those of several in one place. */
import type { PeerSettings } from '../federate/index.js';
import { type FineTuning, finetune, precisionRemark, type Tuned } from '../finetune/index.js';
import { fingerprint } from '../nn/index.js';
import { batchNorms } from '../peft/index.js';
import type { Adapter, Segmenter } from '../segmenter/index.js';
import type { LoadedSite } from './sites.js';
import { checkpointAt, follow, type JobEvent, namesOf } from './train-adapt.js';

export interface TuningJob {
  task: string;
  /** Names the random streams. */
  name: string;
  model: Segmenter;
  sites: readonly LoadedSite[];
  settings: Pick<PeerSettings, 'plan' | 'adapter' | 'training'>;
  epochs: number;
  keep: FineTuning['keep'];
  /** As in fine-tuning; default: never stop early. */
  patience?: FineTuning['patience'];
  seed: number;
  /** File to go on from, where it is there. */
  checkpoint: string;
  /** An adapter to go on from. */
  start?: Adapter | undefined;
  /** Whether that file may be of a training with fewer epochs. */
  extend?: boolean;
}

/**
 * Fine-tunes a part of a model on the labelled cases of the given sites together, from a checkpoint where there is one. The
 * model is left as it was.
 *
 * @returns the adapter and the epoch that was kept, the generator's last value
 * @throws GraftError as `finetune`
 */
export async function* tuneModel(job: TuningJob): AsyncGenerator<JobEvent, Tuned> {
  const { task, name, model, sites, settings: asked, epochs, keep, patience = null, seed } = job;
  const { plan, adapter, training } = asked;
  const config: FineTuning = { ...training, plan, adapter, epochs, keep, patience };
  const cases = {
    training: sites.flatMap(({ train }) => train),
    validation: sites.flatMap(({ validation }) => validation),
  };
  // Checkpoints name what their result depends on, and earlier ones do not name this.
  const { normalisation, ...rest } = config;
  const settled = batchNorms(model.network).length > 0 ? { normalisation, ...rest } : rest;
  const settings = {
    ...{ seed, base: model.fingerprint, preprocessing: model.preprocessing, windows: model.windows, ...settled },
    cases: namesOf(cases.training.map((one) => one.case)),
    ...{ validation: namesOf(cases.validation.map((one) => one.case)), name },
    ...(job.start && { startedFrom: fingerprint(job.start.state) }),
  };
  const grows = job.extend ? ['epochs'] : [];
  // Finished trainings of earlier versions go on, too.
  const later = ['validation', 'name'];
  const checkpoint = yield* checkpointAt(job.checkpoint, settings, task, { grows, later });
  const remark = precisionRemark(config, model.device);
  if (remark) yield { kind: 'note', text: remark };
  const tuned = yield* follow(task, finetune(model, cases, config, { seed, name, checkpoint, start: job.start }));
  return tuned!;
}
