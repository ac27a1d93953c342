/**
 * What "graft train" and "graft adapt" leave beside their result: the last place that knows what went in and what came out,
 * with digests.
 */
import type { Case } from '../data/index.js';
import type { Drawn, Panel } from '../report/index.js';
import type { JobPage, JobRecord, Judged, Scored } from '../studies/index.js';
import type { Context } from './run-command.js';
import { formatTable } from './table.js';

export interface Left {
  record: JobRecord;
  models: readonly Judged[];
  /** Labelled cases to score on, and what they are to the models; none: nothing is scored. */
  scored: { cases: readonly Case[]; are: string };
  /** Unlabelled cases for a picture where nothing is scored. */
  unlabelled?: readonly Case[];
  classes: readonly string[];
  toleranceMm: number;
}

export interface Judgement {
  scores: Scored[];
  panels: Panel[];
}

/** Scores the models and draws some cases, before the result is written: a stop here loses nothing. */
export async function judge(context: Context, left: Left): Promise<Judgement> {
  const { scoredPanels, unscoredPanels } = await import('../studies/index.js');
  const { record, models, scored, unlabelled = [], classes, toleranceMm } = left;
  const { cases } = scored;
  if (cases.length === 0 && unlabelled.length === 0) return { scores: [], panels: [] };
  if (cases.length === 0) {
    const panels = await context.follow(followed(unscoredPanels(models, unlabelled)));
    return { scores: [], panels };
  }
  const scores = await context.follow(record.score(models, cases, classes, toleranceMm));
  const panels = await context.follow(followed(scoredPanels(models, cases, scores, classes.length)));
  return { scores, panels };
}

async function* followed<Event, Result>(work: Generator<Event, Result>): AsyncGenerator<Event, Result> {
  return yield* work;
}

interface Outcome {
  title: string;
  description: string;
  /** Lines below the headline. */
  more: readonly string[];
  notes?: readonly string[];
  looks?: JobPage['looks'];
  settings: object;
  seed: number;
  inputs: readonly string[];
  outputs: readonly string[];
}

/** Writes the page beside the result, and tells scores and files for --json and for people. */
export async function leave(context: Context, left: Left, { scores, panels }: Judgement, outcome: Outcome) {
  const { record, models, scored, classes, toleranceMm } = left;
  const { title, description, more, notes = [], looks, settings, seed, inputs, outputs } = outcome;
  const on = `${scored.cases.length} ${scored.cases.length === 1 ? 'case' : 'cases'} ${scored.are}`;
  const drawn: Drawn = {
    outlined: [...(scores.length > 0 ? (['truth'] as const) : []), ...models.map(({ of }) => of)],
    classes,
  };
  const digests = await record.finish(
    {
      ...{ title, description, notes, toleranceMm, drawn, panels, scores, settings },
      headline: { sentence: sentenceOf(scores, toleranceMm, on), more },
      ...(looks && { looks }),
      command: ['graft', ...process.argv.slice(2)],
    },
    { inputs, outputs, seed },
  );
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
