/** What a study that is done leaves: its table, every score, the report, and what trackers get. */
import type { ComparisonEntry } from '../compare/index.js';
import { type Pausing, type ProgressEvent, writeFileAtomic } from '../core/index.js';
import type { Dataset } from '../data/index.js';
import { type Headline, type PageData, renderPageFile } from '../report/index.js';
import type { Segmenter } from '../segmenter/index.js';
import type { Outcome, Tracking } from '../tracking/index.js';
import { removeCache } from './cache.js';
import type { CommonRecipe } from './common-keys.js';
import { csvOf, entriesOf, type ModelScores } from './comparison/scores.js';
import { namingOfRun, renamed } from './comparison/sharing.js';
import type { RunFiles, RunFolder } from './folder.js';
import type { Naming } from './names.js';
import { outcomeOf, type StudyReport } from './outcome.js';
import type { Candidate } from './pictures.js';

/** What is particular to a kind of study. */
export interface Kind {
  recipe: CommonRecipe;
  /** A finished task's, in `results/`. */
  result: { leftOut?: string[] };
  /** All that lies in `results/`. */
  found: object;
  /** `results.json`. */
  summary: object;
  bench: Bench;
}

/** What the tasks of a seed have in common, until all are done. */
export interface Bench extends Disposable {
  /** What the adapters belong to. */
  model: Segmenter;
}

/** What a report is made of. */
export interface Gathered<K extends Kind> {
  folder: RunFolder;
  recipe: K['recipe'];
  /** The one that the run read. */
  dataset: Dataset;
  found: K['found'];
  summary: K['summary'];
  /** What cases are called. */
  naming: Naming;
  /** What a comparison compares, with cases named so. */
  entries: readonly ComparisonEntry[];
}

/** What pages are made of, of a run that may be under way. */
export interface SoFar<K extends Kind> extends Pick<Gathered<K>, 'recipe' | 'found' | 'naming' | 'entries'> {
  /** The lines of the run's log. */
  log: readonly object[];
}

/** Where the cases of a run are found again, with what it made of them. */
export type Shelf<K extends Kind> = Pick<Gathered<K>, 'recipe' | 'dataset' | 'found' | 'naming'>;

export type PageParts = Pick<
  PageData,
  'cases' | 'comparison' | 'selections' | 'curves' | 'moved' | 'ledgers' | 'aggregations'
>;

/** A table of a summary, as values. */
export interface SummaryTable {
  title: string;
  /** `best`: the greatest number stands out. */
  columns: { name: string; as?: 'count' | 'bytes'; best?: boolean }[];
  /** Undefined: a dash. */
  rows: (string | number | undefined)[][];
}

/** How a kind of study reads what it found, and tells it. */
export interface Findings<K extends Kind> {
  /** @throws GraftError RUN_DAMAGED */
  read(files: RunFiles, recipe: K['recipe']): K['found'];
  models(recipe: K['recipe'], found: K['found']): ModelScores[];
  summarise(recipe: K['recipe'], found: K['found']): K['summary'];
  /** What a terminal shows. */
  tables(summary: K['summary']): SummaryTable[];
  /** For trackers. */
  scores(summary: K['summary']): Outcome['scores'];
  report(gathered: Gathered<K>): Pausing<StudyReport>;
  /** What a page shows of a run that is done, or not yet. */
  parts(sofar: SoFar<K>): PageParts;
  /** The cases of a site that were scored, each with the models whose outlines are drawn. */
  candidates(shelf: Shelf<K>, site: string): Candidate[];
}

/** What a finished run leaves. */
export interface Experiment<Summary> {
  folder: string;
  report: string;
  /** What is certain, in words. */
  headline: Headline;
  summary: Summary;
}

/** Writes `results.json`, `scores.csv` and the report, and tells the trackers. Results are read here, once. */
export async function* conclude<K extends Kind>(
  findings: Findings<K>,
  { recipe, folder, dataset }: Pick<Gathered<K>, 'recipe' | 'folder' | 'dataset'>,
  tracking: Tracking,
): AsyncGenerator<ProgressEvent, Experiment<K['summary']>> {
  yield { kind: 'task', name: 'report' };
  const found = findings.read(folder, recipe);
  const summary = findings.summarise(recipe, found);
  folder.writeJson(summary, 'results.json');
  const models = findings.models(recipe, found);
  writeFileAtomic(folder.file('scores.csv'), csvOf(models));
  const naming = namingOfRun(folder, recipe.names, models);
  const entries = renamed(entriesOf(recipe, models), naming);
  const gathered = yield* findings.report({ folder, recipe, dataset, found, summary, naming, entries });
  const report = folder.file('report.html');
  writeFileAtomic(report, renderPageFile(gathered.page(gathered.provenance, gathered.groups)).text);
  await tracking.finish(() => outcomeOf(findings.scores(summary), gathered, recipe.classes));
  removeCache(recipe, folder);
  yield { kind: 'done', name: 'report' };
  return { folder: folder.path, report, headline: gathered.headline, summary };
}
