/**
 * What a single training or adaptation leaves beside its result `NAME.safetensors`: the log `NAME.metrics.jsonl`, the page
 * `NAME.report.html`, and where it is asked for `NAME.tensorboard/`.
 */
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { ProgressEvent } from '../core/index.js';
import { Log, ownMark, type Pausing, sha256, writeFileAtomic, writing } from '../core/index.js';
import { type Case, type Label, loadCase, readVolume, type Volume } from '../data/index.js';
import { meanScore, scoreCase } from '../jobs/index.js';
import { type CaseScore, meanOf } from '../metrics/index.js';
import {
  encodeGroups,
  type Headline,
  type Outlined,
  type PageData,
  type Panel,
  type PanelGroup,
  renderPageFile,
} from '../report/index.js';
import { TensorBoard } from '../tracking/index.js';
import { environmentFacts } from './environment.js';
import { filesBeside, type Job, linesOf, partsOf } from './job-page.js';
import { bestMedianWorst, display } from './pictures.js';
import { asTyped, settingsOf } from './provenance.js';

type Segment = (image: Volume, one: Case) => Pausing<Uint8Array>;

/** A model that is scored or shown. */
export interface Judged {
  /** How its outline is drawn; `Job.models` says what it is called. */
  of: Outlined;
  segment: Segment;
}

export interface Scored {
  label: string;
  classes: { name: string; dice: number; surfaceDice: number }[];
  cases: CaseScore[];
}

/** What a job found, for its page. */
export interface JobFindings {
  headline: Headline;
  /** Warnings and limits in plain words. */
  notes: readonly string[];
  /** Empty where nothing was scored. */
  scores: readonly Scored[];
  pictures: readonly PanelGroup[];
}

/** The log of a job, and what is made of it in the end. */
export class JobRecord {
  readonly job: Job;
  readonly files: { metrics: string; report: string; tensorboard?: string };
  readonly #log: Log;
  readonly #command: string;
  readonly #board: TensorBoard | undefined;
  #begun = false;
  #boardFailed = false;

  /**
   * @param options.resume go on with the log that is there; otherwise an older one is removed
   * @param command the words that started the job
   * @throws GraftError WRITE_FAILED
   */
  constructor(
    out: string,
    { resume, tensorboard }: { resume: boolean; tensorboard: boolean },
    job: Job,
    command: readonly string[],
  ) {
    const { tensorboard: board, ...files } = filesBeside(out);
    this.job = job;
    this.files = { ...files, ...(tensorboard && { tensorboard: board }) };
    this.#command = command.map(asTyped).join(' ');
    this.#log = new Log(this.files.metrics);
    writing(out, () => {
      // A page that is there says that the job is done.
      rmSync(this.files.report, { force: true });
      if (resume) this.#log.repair();
      else rmSync(this.files.metrics, { force: true });
    });
    const readLogFrom = <Record extends object>(start: number) => this.#log.readFrom<Record>(start);
    if (tensorboard) this.#board = new TensorBoard({ path: out, file: () => board, readLogFrom });
  }

  /**
   * Says in the log what is done, and by which process. Else the first record does, so that a job that is stopped before
   * there is anything to tell leaves nothing.
   */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#log.append({ kind: 'job', ...this.job, command: this.#command, process: ownMark() });
  }

  /** For `progressOf`. */
  readonly log = (record: object): void => {
    this.begin();
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
  async *score(models: readonly Judged[], cases: readonly Case[]): AsyncGenerator<ProgressEvent, Scored[]> {
    const { classes, toleranceMm } = this.job;
    const scored: Scored[] = [];
    for (const { of, segment } of models) {
      const label = this.job.models[of]!;
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
   * @param files that went in, and that the job wrote; the page tells their digests
   * @returns digests by file
   */
  async finish(
    { headline, notes, scores, pictures }: JobFindings,
    { inputs, outputs }: { inputs: readonly string[]; outputs: readonly string[] },
  ): Promise<{ inputs: Record<string, string>; outputs: Record<string, string> }> {
    const { title, description, seed, settings, classes, models } = this.job;
    const digests = (files: readonly string[]) => Object.fromEntries(files.map((file) => [file, sha256(file)]));
    const known = { inputs: digests(inputs), outputs: digests(outputs) };
    const values = scores.map(({ label, classes: all }) => ({
      series: [label],
      values: Object.fromEntries(
        all.flatMap(({ name, dice, surfaceDice }) => [
          [`dice ${name}`, dice],
          [`surface dice ${name}`, surfaceDice],
        ]),
      ),
    }));
    await this.#board?.finish({ scores: values, pictures: [], report: () => '' }).catch(() => {
      this.#boardFailed = true;
    });
    const outlined = [...(scores.length > 0 ? ['truth'] : []), ...Object.keys(models)] as Outlined[];
    const page: PageData = {
      ...{ title, description, headline },
      notes: [...notes, ...(this.#boardFailed ? ['TensorBoard’s files could not be written completely.'] : [])],
      ...partsOf(this.job, linesOf(this.#log)),
      images: {
        about: 'Of each plane the slice with most of the structures.',
        ...{ outlined, classes: [...classes], groups: encodeGroups(pictures) },
      },
      provenance: {
        facts: [...environmentFacts(), ['Seed', String(seed)]],
        command: this.#command,
        settings: settingsOf(settings),
        files: Object.entries({ ...known.inputs, ...known.outputs }).map(([file, hash]) => ({
          name: basename(file),
          sha256: hash,
        })),
      },
    };
    writeFileAtomic(this.files.report, renderPageFile(page).text);
    return known;
  }
}

function meansOf(cases: readonly CaseScore[], name: string): { dice: number; surfaceDice: number } {
  const mean = (key: 'dice' | 'surfaceDice') =>
    meanOf(cases.map(({ classes }) => classes[name][key]).filter((value): value is number => value !== null));
  return { dice: mean('dice'), surfaceDice: mean('surfaceDice') };
}

/** Slices of the best, the median and the worst case by the last model's score, with the outlines of all, by site. */
export function* scoredPictures(
  models: readonly Judged[],
  cases: readonly Case[],
  scored: readonly Scored[],
  classes: number,
): Pausing<PanelGroup[]> {
  const last = scored.at(-1)!;
  const sorted = last.cases
    .map((one, i) => ({ i, score: meanScore([one], 'surfaceDice') }))
    .sort((a, b) => b.score - a.score);
  const sites = new Map<string, Panel[]>();
  for (const { which, one } of bestMedianWorst(sorted)) {
    const { image, label } = loadCase(cases[one.i], { classes: classes + 1 });
    const lines = scored.map(
      ({ label: told, cases: all }) => `${told}: surface Dice ${meanScore([all[one.i]], 'surfaceDice').toFixed(3)}`,
    );
    const slices = yield* display(image, label!, yield* masksOf(models, image, cases[one.i]));
    const { site } = cases[one.i];
    const name = `case ${one.i + 1}`;
    sites.set(site, [...(sites.get(site) ?? []), { which, name, caseName: name, lines, slices }]);
  }
  return [...sites].map(([title, panels]) => ({ title, panels }));
}

/** Slices of the first case, whose label is not read, with the outlines of the models. */
export function* unscoredPictures(models: readonly Judged[], [first]: readonly Case[]): Pausing<PanelGroup[]> {
  const image = readVolume(first.image);
  const nothing: Label = { ...image, data: new Uint8Array(image.data.length), hasIgnored: false };
  const slices = yield* display(image, nothing, yield* masksOf(models, image, first));
  const panel: Panel = { which: 'median', name: 'case 1', lines: ['No label was read'], slices };
  return [{ title: first.site, panels: [panel] }];
}

function* masksOf(models: readonly Judged[], image: Volume, one: Case): Pausing<Partial<Record<Outlined, Uint8Array>>> {
  const masks: Partial<Record<Outlined, Uint8Array>> = {};
  for (const { of, segment } of models) masks[of] = yield* segment(image, one);
  return masks;
}
