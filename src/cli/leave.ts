/**
 * What "graft train" and "graft adapt" leave beside their result: the last place that knows what went in and what came out,
 * with digests.
 */
import type { Case } from '../data/index.js';
import type { PanelGroup } from '../report/index.js';
import type { Job, JobRecord, Judged, Scored } from '../studies/index.js';
import { openPage } from './page.js';
import type { Context } from './run-command.js';
import { formatTable } from './table.js';

/** The record of a job that begins, and where it is asked for its page in a browser until this is disposed of. */
export async function beginRecord(
  context: Context,
  out: string,
  { page, ...how }: { resume: boolean; tensorboard: boolean; page: boolean },
  job: Job,
): Promise<AsyncDisposable & { record: JobRecord }> {
  const { JobRecord } = await import('../studies/index.js');
  const record = new JobRecord(out, how, job, ['graft', ...process.argv.slice(2)]);
  // What is shown has to be there.
  if (page) record.begin();
  const beside = page ? await context.follow(openPage(out)) : undefined;
  return { record, [Symbol.asyncDispose]: async () => beside?.[Symbol.asyncDispose]() };
}

export interface Left {
  record: JobRecord;
  models: readonly Judged[];
  /** Labelled cases to score on, and what they are to the models; none: nothing is scored. */
  scored: { cases: readonly Case[]; are: string };
  /** Unlabelled cases for a picture where nothing is scored. */
  unlabelled?: readonly Case[];
}

export interface Judgement {
  scores: Scored[];
  pictures: PanelGroup[];
}

/** Scores the models and draws some cases, before the result is written: a stop here loses nothing. */
export async function judge(context: Context, left: Left): Promise<Judgement> {
  const { scoredPictures, unscoredPictures } = await import('../studies/index.js');
  const { record, models, scored, unlabelled = [] } = left;
  const { cases } = scored;
  if (cases.length === 0 && unlabelled.length === 0) return { scores: [], pictures: [] };
  if (cases.length === 0) {
    const pictures = await context.follow(followed(unscoredPictures(models, unlabelled)));
    return { scores: [], pictures };
  }
  const scores = await context.follow(record.score(models, cases));
  const pictures = await context.follow(followed(scoredPictures(models, cases, scores, record.job.classes.length)));
  return { scores, pictures };
}

async function* followed<Event, Result>(work: Generator<Event, Result>): AsyncGenerator<Event, Result> {
  return yield* work;
}

interface Outcome {
  /** Lines below the headline. */
  more: readonly string[];
  notes?: readonly string[];
  inputs: readonly string[];
  outputs: readonly string[];
}

/** Writes the page beside the result, and tells scores and files for --json and for people. */
export async function leave(context: Context, left: Left, { scores, pictures }: Judgement, outcome: Outcome) {
  const { record, scored } = left;
  const { more, notes = [], inputs, outputs } = outcome;
  const { toleranceMm } = record.job;
  const on = `${scored.cases.length} ${scored.cases.length === 1 ? 'case' : 'cases'} ${scored.are}`;
  const headline = { sentence: sentenceOf(scores, toleranceMm, on), more };
  const digests = await record.finish({ headline, notes, scores, pictures }, { inputs, outputs });
  const table = scores.flatMap(({ label, classes: all }) =>
    all.map(({ name, dice, surfaceDice }) => [label, name, dice, surfaceDice]),
  );
  return {
    result: {
      ...(scores.length > 0 && { scores: { on, toleranceMm, models: scores } }),
      ...record.files,
      digests,
    },
    lines: [
      ...(scores.length > 0
        ? [
            `On ${on}, surface Dice at ${toleranceMm} mm:`,
            formatTable(['', 'class', 'Dice', 'surface Dice'], table, { width: context.width }),
          ]
        : []),
      `report: ${record.files.report}`,
    ],
  };
}

function sentenceOf(scores: readonly Scored[], toleranceMm: number, on: string): string {
  if (scores.length === 0) return 'Nothing was scored: there was no labelled case for it.';
  const told = scores.map(({ label, classes }) => {
    const mean = (key: 'dice' | 'surfaceDice') => classes.reduce((sum, one) => sum + one[key], 0) / classes.length;
    return `${label}: Dice ${mean('dice').toFixed(3)}, surface Dice ${mean('surfaceDice').toFixed(3)}`;
  });
  return `${told.join('; ')} at ${toleranceMm} mm on ${on}.`;
}
