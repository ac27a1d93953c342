/** The two long jobs, training on a source and adapting to a target, with their data, checkpoints and progress. */
import { existsSync, rmSync } from 'node:fs';
import {
  type Adaptation,
  type AdaptationEvent,
  type Adapted,
  adapt,
  noteReference,
  settled,
  type Training,
  trainHeads,
  trainNetwork,
} from '../adapt/index.js';
import { changesBetween, forward, type ProgressEvent, tellChanges } from '../core/index.js';
import { type Case, type CaseSlices, type Postprocessing, type Preprocessing, SlicePool } from '../data/index.js';
import { familyOfSize } from '../networks/index.js';
import { Checkpoint, copyInto, fingerprint, joinStates, type State, type TrainingEvent } from '../nn/index.js';
import { type Adapter, Segmenter } from '../segmenter/index.js';
import { jobError } from './errors.js';
import { freeSlices, readSlices, slicesOf } from './slices.js';

/** Progress, and records for a run's log. */
export type JobEvent = ProgressEvent | { kind: 'record'; record: object };

/** Checkpoints of a job begin with this path. */
const checkpointFiles = (path: string) => ({
  network: `${path}-network.ckpt`,
  heads: `${path}-heads.ckpt`,
  adapter: `${path}-adapter.ckpt`,
});

export const hasCheckpoints = (path: string): boolean => Object.values(checkpointFiles(path)).some(existsSync);

export function removeCheckpoints(path: string): void {
  for (const file of Object.values(checkpointFiles(path))) rmSync(file, { force: true });
}

/**
 * Where a job goes on from. A damaged file is removed: the job begins anew, to the same bits, and a note says so.
 * @param configuration as for `Checkpoint`, like the options
 */
export function* checkpointAt(
  path: string,
  configuration: Record<string, unknown>,
  task: string,
  options: ConstructorParameters<typeof Checkpoint>[2] = {},
): Generator<ProgressEvent, Checkpoint> {
  const checkpoint = new Checkpoint(path, configuration, options);
  if (checkpoint.removeDamaged()) yield { kind: 'note', text: `${path} is damaged: ${task} begins anew` };
  return checkpoint;
}

/** How checkpoints name the cases that they depend on. */
export const namesOf = (cases: readonly Case[]): string[] => cases.map(({ site, name }) => `${site}/${name}`);

/** The early heads' tensors. */
const headsOf = ({ heads }: Segmenter): State =>
  joinStates(Object.fromEntries([...heads].map(([level, head]) => [`head${level}`, head.state()])));

export interface TrainingJob {
  /** What progress is called. */
  task: string;
  /** Labelled. */
  train: readonly Case[];
  /** Labelled cases that choose the epoch. */
  validation: readonly Case[];
  /** The name of a size, of a family with early heads. */
  network: string;
  /** The family's settings. */
  architecture: Record<string, unknown>;
  /** Names of the labels 1, 2, …, one for each of the network's channels. */
  classes: readonly string[];
  preprocessing: Preprocessing;
  /** What is done to masks; default: nothing. */
  postprocessing?: Postprocessing | undefined;
  training: Training;
  seed: number;
  /** Of the surface Dice between the two heads, in mm. */
  toleranceMm: number;
  /** As `chooseDevice` gives it. */
  device: string;
  /** Path that checkpoints begin with; the job goes on from those that are there. */
  checkpoint: string;
  /** A model of the same architecture whose weights training starts from. */
  init?: Segmenter | undefined;
  /** Folder of prepared slices; default: they are held in memory. */
  cache?: string | undefined;
}

/** @throws GraftError TRAINING_UNLABELLED */
export function assertLabelled(cases: readonly Case[]): void {
  const bare = cases.filter(({ label }) => !label);
  if (bare.length > 0)
    throw jobError('TRAINING_UNLABELLED', { count: bare.length, total: cases.length, file: bare[0].image });
}

/**
 * Trains a new network and its early heads on labelled cases, and notes what its outputs look like on its own domain.
 *
 * @returns the model, the generator's last value; the caller disposes of it
 * @throws GraftError TRAINING_UNLABELLED, INIT_UNSUITED, and what reading the cases throws
 */
export async function* trainModel(job: TrainingJob): AsyncGenerator<JobEvent, Segmenter> {
  const { preprocessing, postprocessing, training, seed, device } = job;
  const family = familyOfSize(job.network);
  const config = family.configure(job.network, job.classes.length, job.architecture);
  const all = [...job.train, ...job.validation];
  assertLabelled(all);
  const preparation = { preprocessing, postprocessing };
  const model = new Segmenter({ family, config, classes: job.classes, preparation, device });
  model.initialise(seed);
  if (job.init) {
    const changed = changesBetween(job.init.config, config);
    if (changed.length > 0) throw jobError('INIT_UNSUITED', { changed: tellChanges(changed, 'the model') });
    copyInto(model.state(), job.init.state());
  }
  const slices = yield* readSlices(job.task, all, model, { cache: job.cache });
  const [train, validation] = [slicesOf(slices, job.train), slicesOf(slices, job.validation)];
  using pool = new SlicePool(train, { device });
  const configuration = {
    ...{ seed, training, preprocessing, architecture: config, cases: namesOf(job.train) },
    validation: namesOf(job.validation),
    ...(job.init && { startedFrom: fingerprint(job.init.state()) }),
  };
  const files = checkpointFiles(job.checkpoint);
  const later = { later: ['validation'] };
  const network = yield* checkpointAt(files.network, configuration, `${job.task}: network`, later);
  yield* follow(`${job.task}: network`, trainNetwork(model, pool, validation, training, { seed, checkpoint: network }));
  const heads = yield* checkpointAt(files.heads, configuration, `${job.task}: early heads`, later);
  yield* follow(`${job.task}: early heads`, trainHeads(model, pool, training, { seed, checkpoint: heads }));
  yield* noteReference(model, slices, job.toleranceMm);
  freeSlices(slices);
  return model;
}

export interface FurtherTrainingJob
  extends Pick<TrainingJob, 'task' | 'train' | 'training' | 'seed' | 'checkpoint' | 'cache'> {
  /** Whose weights training starts from. */
  model: Segmenter;
}

/**
 * Trains a copy of a model further on labelled cases, without its early heads; the last epoch is kept.
 *
 * @returns the copy, the generator's last value; the caller disposes of it
 * @throws GraftError TRAINING_UNLABELLED, and what reading the cases throws
 */
export async function* trainFurther(job: FurtherTrainingJob): AsyncGenerator<JobEvent, Segmenter> {
  const { task, model, train, training, seed } = job;
  assertLabelled(train);
  const { family, config, classes, preparation, device } = model;
  const copy = new Segmenter({ family, config, classes, preparation, device, heads: [...model.heads.keys()] });
  copyInto(copy.state(), model.state());
  const slices = yield* readSlices(task, train, copy, { cache: job.cache });
  using pool = new SlicePool(slices, { device });
  const configuration = {
    ...{ seed, training, startedFrom: model.fingerprint },
    ...{ cases: namesOf(train), preprocessing: model.preprocessing },
  };
  const later = { later: ['preprocessing'] };
  const checkpoint = yield* checkpointAt(checkpointFiles(job.checkpoint).network, configuration, task, later);
  yield* follow(task, trainNetwork(copy, pool, [], training, { seed, checkpoint }));
  freeSlices(slices);
  return copy;
}

export interface AdaptationJob {
  /** What progress is called. */
  task: string;
  model: Segmenter;
  /** Of the target's cases, prepared for the model; without their labels. */
  slices: readonly CaseSlices[];
  config: Adaptation;
  /** The target's name, for messages and the adapter's provenance. */
  target: string;
  seed: number;
  /** Of the surface Dice between the two heads, in mm. */
  toleranceMm: number;
  /** Path that checkpoints begin with; the job goes on from those that are there. */
  checkpoint: string;
  /** An adapter to go on from. */
  start?: Adapter | undefined;
}

/**
 * Adapts a model to unlabelled cases: reads and prepares them, goes on from a checkpoint where there is one, and adapts.
 * The model is left as it was.
 *
 * @returns the adapter and how it was chosen, the generator's last value
 * @throws GraftError as `adapt`, and what reading the cases throws
 */
export async function* adaptModel(job: AdaptationJob): AsyncGenerator<JobEvent, Adapted> {
  const { task, model, slices, target, seed, toleranceMm, start } = job;
  const config = settled(model.family, job.config);
  // The candidate that is kept depends on the early heads and the reference, too. Checkpoints of earlier versions name no
  // cases and are refused: nothing tells which images they are of.
  const configuration = {
    ...{ seed, base: model.fingerprint, ...config },
    ...{ heads: fingerprint(headsOf(model)), reference: model.reference },
    ...{
      target,
      toleranceMm,
      preprocessing: model.preprocessing,
      cases: namesOf([...new Set(slices.map((one) => one.case))]),
    },
    ...(start && { startedFrom: fingerprint(start.state) }),
  };
  const checkpoint = yield* checkpointAt(checkpointFiles(job.checkpoint).adapter, configuration, task);
  const context = { seed, name: target, toleranceMm, checkpoint, start };
  const adapted = yield* follow(task, adapt(model, slices, config, context));
  return adapted!;
}

/** What ends a loop and carries its result. */
interface End {
  kind: 'adapted' | 'tuned';
}
const ends = <Result extends End>(event: { kind: string } | Result): event is Result =>
  event.kind === 'adapted' || event.kind === 'tuned';

/** A loop's events as progress and records; undefined where it has no result of its own. */
export async function* follow<Result extends End>(
  task: string,
  events: AsyncGenerator<TrainingEvent | Extract<AdaptationEvent, { kind: 'look' }> | Result>,
): AsyncGenerator<JobEvent, Result | undefined> {
  yield { kind: 'task', name: task };
  for await (const event of events) {
    if (ends<Result>(event)) return event;
    if (event.kind === 'pause') yield event;
    else if (event.kind === 'step')
      yield { kind: 'step', done: event.done, total: event.total, values: { loss: event.loss } };
    else yield { kind: 'record', record: event };
    if (event.kind === 'epoch')
      yield { kind: 'note', text: `${task}, epoch ${event.epoch + 1}: ${show(event.values)}` };
  }
  yield { kind: 'done', name: task };
  return undefined;
}

const show = (values: Record<string, number>) =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join(', ');

/** A job's progress; its records go to `log`. */
export const progressOf = <T>(
  events: AsyncGenerator<JobEvent, T>,
  log: (record: object) => void = () => {},
): AsyncGenerator<ProgressEvent, T> =>
  forward(events, (event) => {
    if (event.kind !== 'record') return [event];
    log(event.record);
    return [];
  });
