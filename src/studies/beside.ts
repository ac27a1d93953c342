/**
 * What a single training or adaptation leaves beside its result `NAME.safetensors`: the log `NAME.metrics.jsonl`, the page
 * `NAME.report.html`, and where it is asked for `NAME.tensorboard/`.
 */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { ProgressEvent } from '../core/index.js';
import { Log, type Pausing, sha256, writeFileAtomic } from '../core/index.js';
import { type Case, type Label, loadCase, readVolume, type Volume } from '../data/index.js';
import { meanScore, scoreCase } from '../jobs/index.js';
import { type CaseScore, meanOf } from '../metrics/index.js';
import type { Outlined, Panel, ReportCurve } from '../report/index.js';
import { TensorBoard } from '../tracking/index.js';
import { environmentFacts } from './environment.js';
import { type JobPage, type JobScore, renderJob } from './job-page.js';
import { bestMedianWorst, display } from './pictures.js';
import { asTyped, settingsOf } from './provenance.js';

type Segment = (image: Volume, one: Case) => Pausing<Uint8Array>;

/** A model that is scored or shown. */
export interface Judged {
  /** How its outline is drawn, and what it is called. */
  of: Outlined;
  label: string;
  segment: Segment;
}

export interface Scored extends JobScore {
  cases: CaseScore[];
}

/** The log of a job, and what is made of it in the end. */
export class JobRecord {
  readonly files: { metrics: string; report: string; tensorboard?: string };
  readonly #log: Log;
  readonly #board: TensorBoard | undefined;
  #boardFailed = false;

  /** @param options.resume go on with the log that is there; otherwise an older one is removed */
  constructor(out: string, { resume, tensorboard }: { resume: boolean; tensorboard: boolean }) {
    const stem = out.replace(/\.safetensors$/, '');
    const board = `${stem}.tensorboard`;
    this.files = {
      metrics: `${stem}.metrics.jsonl`,
      report: `${stem}.report.html`,
      ...(tensorboard && { tensorboard: board }),
    };
    this.#log = new Log(this.files.metrics);
    if (resume) this.#log.repair();
    else rmSync(this.files.metrics, { force: true });
    const readLogFrom = <Line extends object>(start: number) => this.#log.readFrom<Line>(start);
    if (tensorboard) this.#board = new TensorBoard({ path: out, file: () => board, readLogFrom });
  }

  /** For `progressOf`. */
  readonly log = (record: object): void => {
    this.#log.append(record);
    // A disk that is full there stops no training.
    this.#board?.update().catch(() => {
      this.#boardFailed = true;
    });
  };

  /**
   * Scores models on labelled cases, each on the grid of its file, and logs every score.
   * @throws GraftError as `scoreCase`
   */
  async *score(
    models: readonly Judged[],
    cases: readonly Case[],
    classes: readonly string[],
    toleranceMm: number,
  ): AsyncGenerator<ProgressEvent, Scored[]> {
    const scored: Scored[] = [];
    for (const { of, label, segment } of models) {
      yield { kind: 'task', name: `score: ${label}` };
      const found: CaseScore[] = [];
      for (const one of cases) {
        found.push(yield* scoreCase(one, (image) => segment(image, one), classes, toleranceMm));
        this.log({ kind: 'score', model: of, ...found.at(-1) });
        yield { kind: 'step', done: found.length, total: cases.length };
      }
      scored.push({ label, cases: found, classes: classes.map((name) => ({ name, ...meansOf(found, name) })) });
    }
    return scored;
  }

  /**
   * Writes the page.
   *
   * @param page what it says; curves are made of the log
   * @param outputs files that the job wrote, whose digests the page tells
   * @returns digests by file: of all that came out and went in
   */
  async finish(
    {
      command,
      settings,
      ...page
    }: Omit<JobPage, 'curves' | 'provenance'> & { command: readonly string[]; settings: object },
    { inputs, outputs, seed }: { inputs: readonly string[]; outputs: readonly string[]; seed: number },
  ): Promise<{ inputs: Record<string, string>; outputs: Record<string, string> }> {
    const digests = (files: readonly string[]) => Object.fromEntries(files.map((file) => [file, sha256(file)]));
    const known = { inputs: digests(inputs), outputs: digests(outputs) };
    const provenance = {
      facts: [...environmentFacts(), ['Seed', String(seed)]] as [string, string][],
      command: command.map(asTyped).join(' '),
      settings: settingsOf(settings),
      files: Object.entries({ ...known.inputs, ...known.outputs }).map(([file, hash]) => ({
        name: basename(file),
        sha256: hash,
      })),
    };
    const values = page.scores.map(({ label, classes }) => ({
      series: [label],
      values: Object.fromEntries(
        classes.flatMap(({ name, dice, surfaceDice }) => [
          [`dice ${name}`, dice],
          [`surface dice ${name}`, surfaceDice],
        ]),
      ),
    }));
    await this.#board?.finish({ scores: values, pictures: [], report: () => '' }).catch(() => {
      this.#boardFailed = true;
    });
    const notes = [
      ...page.notes,
      ...(this.#boardFailed ? ['TensorBoard’s files could not be written completely.'] : []),
    ];
    writeFileAtomic(this.files.report, renderJob({ ...page, notes, provenance, curves: curvesOf(this.#log) }));
    return known;
  }
}

function meansOf(cases: readonly CaseScore[], name: string): { dice: number; surfaceDice: number } {
  const mean = (key: 'dice' | 'surfaceDice') =>
    meanOf(cases.map(({ classes }) => classes[name][key]).filter((value): value is number => value !== null));
  return { dice: mean('dice'), surfaceDice: mean('surfaceDice') };
}

/**
 * Slices of the best, the median and the worst case by the last model's score, with the outlines of all.
 * @param names what the cases are called, in the order of `cases`
 */
export function* scoredPanels(
  models: readonly Judged[],
  cases: readonly Case[],
  scored: readonly Scored[],
  classes: number,
): Pausing<Panel[]> {
  const last = scored.at(-1)!;
  const sorted = last.cases
    .map((one, i) => ({ i, score: meanScore([one], 'surfaceDice') }))
    .sort((a, b) => b.score - a.score);
  const panels: Panel[] = [];
  for (const { which, one } of bestMedianWorst(sorted)) {
    const { image, label } = loadCase(cases[one.i], { classes: classes + 1 });
    const lines = scored.map(
      ({ label: told, cases: all }) => `${told}: surface Dice ${meanScore([all[one.i]], 'surfaceDice').toFixed(3)}`,
    );
    const slices = yield* display(image, label!, yield* masksOf(models, image, cases[one.i]));
    panels.push({ which, name: `case ${one.i + 1}`, lines, slices });
  }
  return panels;
}

/** Slices of the first case, whose label is not read, with the outlines of the models. */
export function* unscoredPanels(models: readonly Judged[], [first]: readonly Case[]): Pausing<Panel[]> {
  const image = readVolume(first.image);
  const nothing: Label = { ...image, data: new Uint8Array(image.data.length), hasIgnored: false };
  const slices = yield* display(image, nothing, yield* masksOf(models, image, first));
  return [{ which: 'median', name: 'case 1', lines: ['No label was read'], slices }];
}

function* masksOf(models: readonly Judged[], image: Volume, one: Case): Pausing<Partial<Record<Outlined, Uint8Array>>> {
  const masks: Partial<Record<Outlined, Uint8Array>> = {};
  for (const { of, segment } of models) masks[of] = yield* segment(image, one);
  return masks;
}

interface Line {
  kind: string;
  task?: string;
  epoch?: number;
  values?: Record<string, number>;
  look?: { candidate: string | number; agreement: number; agreementWithSource: number };
}

/** Losses and what chose the epoch. A resumed job repeats epochs; the last line of each holds. */
function curvesOf(log: Log): ReportCurve[] {
  const lines = log.readFrom<Line>(0).map(({ record }) => record);
  const series = new Map<string, Map<string, Map<number, number>>>();
  const add = (title: string, name: string, x: number, y: number) => {
    const named = series.get(title) ?? new Map<string, Map<number, number>>();
    series.set(title, named);
    named.set(name, (named.get(name) ?? new Map<number, number>()).set(x, y));
  };
  for (const { kind, task = '', epoch = 0, values = {}, look } of lines) {
    if (kind === 'epoch')
      for (const [key, value] of Object.entries(values))
        if (key === 'loss') add('Loss', task, epoch + 1, value);
        else
          add('Dice on validation cases', key.replace(/^dice (at )?/, '').replace(/^dice$/, 'mean'), epoch + 1, value);
    if (kind === 'look' && look && look.candidate !== 'source') {
      const at = typeof look.candidate === 'number' ? look.candidate : 0;
      add('What the selection saw', 'agreement of the two heads', at, look.agreement);
      add('What the selection saw', 'agreement with the source model', at, look.agreementWithSource);
    }
  }
  return [...series]
    .map(([title, named]) => ({
      ...{
        title,
        xLabel: 'epoch',
        yLabel: title === 'Loss' ? 'loss' : title.startsWith('Dice') ? 'Dice' : 'surface Dice',
      },
      series: [...named].map(([name, points]) => ({ name, points: [...points] })),
    }))
    .filter((curve) => curve.series.some(({ points }) => points.length > 1));
}
