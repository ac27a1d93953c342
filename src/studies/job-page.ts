/**
 * The page of a single training or adaptation, from what lies beside its result: the page that it wrote when it was done, and
 * until then its log.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { methodLabel } from '../adapt/index.js';
import { type ComparisonEntry, compareMethods } from '../compare/index.js';
import { Log, type ProcessMark, standingOf } from '../core/index.js';
import { type CaseScore, meanOf } from '../metrics/index.js';
import type { Outlined, PageData, PageSelection, ReportCurve } from '../report/index.js';
import { casesOf } from './comparison/cases.js';
import { withPatient } from './comparison/scores.js';
import { runError } from './errors.js';
import { epochsLeft, type PaceLine } from './pace.js';
import { settingsOf } from './provenance.js';
import { type PageSource, pageIn } from './run-page.js';

/** What is known of a job before it begins. */
export interface Job {
  title: string;
  description: string;
  /** The models that are scored or shown, each by its outline, and what they are called. */
  models: Partial<Record<Outlined, string>>;
  classes: readonly string[];
  /** Of the surface Dice, in mm. */
  toleranceMm: number;
  /** Whose a case is: the first capture of this pattern on the case's name. */
  groupBy: string | undefined;
  seed: number;
  settings: object;
}

/** The first line of a job's log, and of what was resumed a further one. */
export type JobLine = { kind: 'job'; command: string; process: ProcessMark } & Job;

/** A line of the log; which keys it has depends on its kind. */
export interface Line extends PaceLine {
  kind: string;
  task?: string;
  values?: Record<string, number>;
  target?: string;
  method?: string;
  look?: PageSelection['looks'][number] & { candidate: string | number };
  /** What was kept of the candidates. */
  candidate?: string | number;
  guard?: string;
}
type Scored = { kind: 'score'; time: number; model: Outlined } & CaseScore;

/** The files beside a result. */
export const filesBeside = (result: string) => {
  const stem = result.replace(/\.safetensors$/, '');
  return { metrics: `${stem}.metrics.jsonl`, report: `${stem}.report.html`, tensorboard: `${stem}.tensorboard` };
};

export class JobPage implements PageSource {
  readonly #result: string;
  readonly #files: ReturnType<typeof filesBeside>;

  /** @param result a file that a training or an adaptation wrote, or is to write @throws GraftError JOB_MISSING */
  constructor(result: string) {
    this.#result = result;
    this.#files = filesBeside(result);
    const { metrics, report } = this.#files;
    if (!existsSync(metrics) && !existsSync(report))
      throw runError('JOB_MISSING', { file: result, metrics: basename(metrics), report: basename(report) });
  }

  mark(): string {
    const { metrics, report } = this.#files;
    const states = [metrics, report].map((file) => statSync(file, { throwIfNoEntry: false }));
    return [...states.map((state) => `${state?.size} ${state?.mtimeMs}`), String(isAtWork(this.#lines()))].join('\n');
  }

  /** @throws GraftError PAGE_DAMAGED */
  read(): PageData {
    const { report } = this.#files;
    return (existsSync(report) ? pageIn(report) : undefined) ?? this.#soFar();
  }

  #soFar(): PageData {
    const lines = this.#lines();
    const job = jobIn(lines);
    const working = isAtWork(lines);
    const epochs = epochsLeft(lines.slice(lines.findLastIndex(({ kind }) => kind === 'job')));
    return {
      title: job?.title ?? basename(this.#result),
      description: job?.description ?? '',
      ...(working && { running: { text: progressOf(lines), ...(epochs && { model: epochs }) } }),
      notes: working ? [] : ['It has not ended. The same command with --resume goes on with it.'],
      ...partsOf(job, lines),
      ...(job && {
        provenance: {
          facts: [['Seed', String(job.seed)]],
          command: job.command,
          settings: settingsOf(job.settings),
          files: [],
        },
      }),
    };
  }

  #lines = (): Line[] => linesOf(new Log(this.#files.metrics));
}

/**
 * The one result in a folder that a training or an adaptation left or is to leave there; undefined where there is none.
 *
 * @throws GraftError JOBS_SEVERAL
 */
export function resultIn(folder: string): string | undefined {
  const logs = readdirSync(folder).filter((name) => /.\.metrics\.jsonl$/.test(name));
  const names = logs.map((name) => name.replace(/\.metrics\.jsonl$/, '.safetensors')).sort();
  if (names.length > 1) throw runError('JOBS_SEVERAL', { folder, names: names.join(', ') });
  return names.length === 1 ? join(folder, names[0]) : undefined;
}

export const linesOf = (log: Log): Line[] => log.readFrom<Line>(0).map(({ record }) => record);

const jobIn = (lines: readonly Line[]) => lines.findLast(({ kind }) => kind === 'job') as JobLine | undefined;

function isAtWork(lines: readonly Line[]): boolean {
  const job = jobIn(lines);
  return job !== undefined && standingOf(job.process) !== 'ended';
}

function progressOf(lines: readonly Line[]): string {
  const last = lines.at(-1)!;
  if (last.kind === 'score') return 'At work: scores.';
  const epoch = lines.findLast(({ kind }) => kind === 'epoch');
  return epoch
    ? `At work: ${[epoch.task, `epoch ${epoch.epoch! + 1}`].filter(Boolean).join(', ')} is done.`
    : 'At work.';
}

/** What a page shows of a job that is done, or not yet. @param job absent in logs of earlier versions */
export function partsOf(
  job: Job | undefined,
  lines: readonly Line[],
): Pick<PageData, 'cases' | 'comparison' | 'further' | 'selections' | 'curves'> {
  const entries = job ? entriesOf(job, lines as readonly Scored[]) : [];
  const [first] = entries;
  const cases = casesOf(entries, 'surfaceDice', {
    ...{ main: entries.at(-1)?.name ?? '', baseline: first?.name, labelOf: (name) => name },
  });
  const [comparison, ...further] = first
    ? (['surfaceDice', 'dice'] as const).map((measure) => compareMethods(entries, { measure }))
    : [];
  const selections = selectionsOf(job, lines);
  return {
    ...(cases && { cases }),
    ...(comparison && { comparison, further }),
    ...(selections.length > 0 && { selections }),
    curves: [{ charts: curvesOf(lines) }],
  };
}

/** The models with their scores; cases are called by their number among those that are scored. */
function entriesOf({ models, classes, toleranceMm, groupBy, seed }: Job, lines: readonly Scored[]): ComparisonEntry[] {
  const scored = lines.filter(({ kind }) => kind === 'score');
  const keyOf = ({ site, name }: CaseScore) => `${site}/${name}`;
  const numbers = new Map([...new Set(scored.map(keyOf))].map((key, i) => [key, `case ${i + 1}`]));
  return (Object.entries(models) as [Outlined, string][]).flatMap(([of, name]) => {
    // A resumed job scores again; the last line of each case holds.
    const own = new Map(scored.filter(({ model }) => model === of).map((one) => [keyOf(one), one]));
    const scores = [...own.values()].map((one) => ({ ...withPatient(one, groupBy), name: numbers.get(keyOf(one))! }));
    return scores.length === 0 ? [] : { name, toleranceMm, classes, seeds: [seed], scores };
  });
}

/** What was seen of the candidates, and what was kept. */
function selectionsOf(job: Job | undefined, lines: readonly Line[]): PageSelection[] {
  const seen = lines.filter(({ kind }) => kind === 'look');
  // A resumed job repeats looks; the last of each candidate holds.
  const looks = new Map(seen.map(({ look }) => [String(look!.candidate), look!]));
  if (looks.size < 2) return [];
  const { target = '', method = '' } = seen[0];
  const { candidate, guard } = lines.findLast(({ kind }) => kind === 'kept') ?? {};
  return [
    {
      place: [...(job ? [`seed ${job.seed}`] : []), target].join(', '),
      method: methodLabel(method),
      ...(candidate !== undefined && { kept: String(candidate) }),
      ...(guard !== undefined && { guard }),
      looks: [...looks].map(([name, look]) => ({ ...look, candidate: name })),
    },
  ];
}

/** Losses and what chose the epoch. A resumed job repeats epochs; the last line of each holds. */
function curvesOf(lines: readonly Line[]): ReportCurve[] {
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
      if (look.mirrored) add('What the selection saw', 'agreement with mirror images', at, meanOf(look.mirrored));
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
