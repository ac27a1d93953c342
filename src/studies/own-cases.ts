/**
 * What a site of a federation over a network finds out for itself: the base model without and with the site's adapter, on
 * labelled cases of the site that were kept from training. Scores, pictures and places of images lie in one folder, which
 * only its owner can read, and nothing of it is for anybody else.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ComparisonEntry } from '../compare/index.js';
import { type ProgressEvent, sealedJson, sha256, writeSecret } from '../core/index.js';
import type { Case } from '../data/index.js';
import { meanScore, scoreModel } from '../jobs/index.js';
import type { CaseScore } from '../metrics/index.js';
import { countElements, disposeState } from '../nn/index.js';
import { applyPlan } from '../peft/index.js';
import {
  counted,
  encodeGroups,
  fixed,
  type Outlined,
  type PageData,
  renderPageFile,
  sourceMethod,
} from '../report/index.js';
import { type Adapter, loadAdapter, loadSegmenter, planNamed, type Segmenter } from '../segmenter/index.js';
import type { CaseSource } from './case-shelf.js';
import { casesOf } from './comparison/cases.js';
import { csvOf, type ModelScores, withPatient } from './comparison/scores.js';
import { comparisonOf, renamed } from './comparison/sharing.js';
import { environmentFacts } from './environment.js';
import { runError } from './errors.js';
import type { FederationRecipe } from './federation/index.js';
import { readRunJson } from './folder.js';
import { type Naming, namingOf, pseudonymFile } from './names.js';
import { type Candidate, picturesOf, shownOf } from './pictures.js';
import { readPage } from './run-page.js';
import { verdictOn } from './verdict.js';

/** Files of the folder; the record is written last. */
const files = (folder: string) => ({
  record: join(folder, 'scores.json'),
  table: join(folder, 'scores.csv'),
  report: join(folder, 'report.html'),
  pseudonyms: join(folder, pseudonymFile),
});

export interface OwnCases {
  /** Where all of it lies. */
  folder: string;
  /** Files of the base model and of the adapter. */
  model: string;
  adapter: string;
  cases: readonly Case[];
  recipe: Pick<FederationRecipe, 'title' | 'classes' | 'toleranceMm' | 'groupBy' | 'names'>;
}

/** What the scores follow from, and the scores. */
interface Found extends Pick<OwnCases, 'model' | 'adapter' | 'cases'>, Pick<FederationRecipe, 'classes' | 'names'> {
  toleranceMm: number;
  /** SHA-256 of the files. */
  made: { model: string; adapter: string };
  scores: { base: CaseScore[]; adapted: CaseScore[] };
}

type Asked = Omit<Found, 'scores'>;

const askedOf = ({ model, adapter, cases, recipe }: OwnCases): Asked => ({
  ...{ model, adapter, cases, classes: recipe.classes, names: recipe.names, toleranceMm: recipe.toleranceMm },
  made: { model: sha256(model), adapter: sha256(adapter) },
});

/** Whether the folder has all that `scoreOwnCases` would find. */
export function hasOwnScores(own: OwnCases): boolean {
  try {
    readPage(files(own.folder).report);
    const { scores: _, ...found } = readRunJson<Found>(files(own.folder).record);
    return JSON.stringify(found) === JSON.stringify(askedOf(own));
  } catch {
    return false; // it is made again
  }
}

const base = 'base model';

/**
 * Scores both models and writes `scores.json`, `scores.csv` and `report.html`, the page with pictures. A process that is
 * killed meanwhile leaves whole files, and `hasOwnScores` says no.
 *
 * @param device that computes the scores
 * @throws GraftError about images, labels and models; WRITE_FAILED
 */
export async function* scoreOwnCases(own: OwnCases, device: string): AsyncGenerator<ProgressEvent> {
  const { folder, cases, recipe } = own;
  const asked = askedOf(own);
  const adapter = loadAdapter(own.adapter);
  const model = loadSegmenter(own.model, { device });
  let scores: Found['scores'];
  let trained: number;
  try {
    scores = {
      base: yield* scoreModel(`score ${counted(cases.length, 'case')}: ${base}`, model, cases, recipe),
      adapted: yield* scoreModel(
        `score ${counted(cases.length, 'case')}: ${adapter.method}`,
        model,
        cases,
        recipe,
        () => adapter,
      ),
    };
    trained = trainedBy(model, adapter);
  } finally {
    model.dispose();
    disposeState(adapter.state);
  }
  yield { kind: 'task', name: 'pictures' };
  const { report, record, table, pseudonyms } = files(folder);
  const known = knownNames(folder);
  const naming = namingOf(recipe.names, scores.base, known);
  if (recipe.names === 'pseudonym') writeSecret(pseudonyms, sealedJson(known));
  const models = [modelScores(base, scores.base, recipe), modelScores(adapter.method, scores.adapted, recipe)];
  writeSecret(table, csvOf(models));
  const groups = sitesIn(cases).map((title) => ({
    title,
    shown: shownOf(candidatesAt({ ...asked, scores }, naming, title), ['Federated', 'Base']),
  }));
  const pictures = yield* picturesOf(where, groups, recipe.classes.length);
  const page: PageData = {
    ...pageOf(own, adapter, models, naming),
    scores: meansOf(own, adapter, trained, scores),
    images: {
      about: `Of the cases that were kept from training the best, the median and the worst by the Dice of ${adapter.method}; of each plane the slice with most of the reference.`,
      ...{ outlined, classes: recipe.classes, groups: encodeGroups(pictures) },
    },
    provenance: {
      facts: [...environmentFacts(), ['Rounds', adapter.provenance.rounds ?? '–']],
      settings: [],
      files: [own.model, own.adapter].map((file) => ({ name: basename(file), sha256: sha256(file) })),
    },
  };
  writeSecret(report, renderPageFile(page).text);
  writeSecret(record, sealedJson({ ...asked, scores } satisfies Found));
  const values = { base: meanScore(scores.base, 'dice'), [adapter.method]: meanScore(scores.adapted, 'dice') };
  yield { kind: 'done', name: `Dice on ${counted(cases.length, 'case')} kept from training`, values };
}

/** How many numbers an adapter was trained in. */
function trainedBy({ family, network }: Segmenter, { method, options }: Adapter): number {
  const planned = applyPlan(network, planNamed(family, method), family.adapter.parse(options) as typeof options);
  const count = countElements(planned.trained.values());
  planned.undo();
  return count;
}

const outlined: Outlined[] = ['truth', 'frozen', 'federated'];
/** Files are named in full. */
const where = { file: (...parts: string[]) => join(...parts) };

const sitesIn = (cases: readonly Pick<Case, 'site'>[]): string[] => [...new Set(cases.map(({ site }) => site))];

const modelScores = (entry: string, cases: readonly CaseScore[], { groupBy }: OwnCases['recipe']): ModelScores => {
  const named = cases.map((one) => withPatient(one, groupBy, one.site));
  return { entry, seed: 0, method: entry, regime: null, trainedAt: null, cases: named, compared: named };
};

function pageOf(
  { cases, recipe }: OwnCases,
  { method, provenance }: Adapter,
  models: readonly ModelScores[],
  naming: Naming,
): PageData {
  const { classes, toleranceMm, title } = recipe;
  const entries = renamed(
    models.map(
      ({ entry, compared }): ComparisonEntry => ({ name: entry, toleranceMm, classes, scores: compared, seeds: [0] }),
    ),
    naming,
  );
  const labelOf = (name: string) => (name === base ? 'the base model' : name);
  const comparison = comparisonOf(entries, 'dice', [base])!;
  const { sentence, more } = verdictOn(comparison, { main: method, labelOf, noun: 'model', seeds: 1 });
  const [before, after] = models.map(({ cases }) => fixed(meanScore(cases, 'dice')));
  const means = `Mean Dice: ${before} of the base model, ${after} after ${provenance.rounds} rounds.`;
  const shown = casesOf(entries, 'dice', { main: method, baseline: base, labelOf: (name) => name });
  return {
    ...{ title, description: 'What a site of the study found on cases of its own.' },
    headline: { sentence, more: [means, ...more] },
    notes: [
      `Scores and images are of the model after ${provenance.rounds} rounds, on ${counted(cases.length, 'labelled case')} of this site that no training has seen. They were made on this machine and are sent to nobody.`,
    ],
    ...(shown && { cases: shown }),
    comparison,
  };
}

function meansOf(
  { adapter: file, cases, recipe }: OwnCases,
  { method }: Adapter,
  trained: number,
  { base: before, adapted }: Found['scores'],
): NonNullable<PageData['scores']> {
  const targets = sitesIn(cases);
  const row = (target: string, name: string, scores: readonly CaseScore[]) => {
    const mine = scores.filter(({ site }) => site === target);
    const mean = (key: 'dice' | 'surfaceDice') => [meanScore(mine, key)];
    return { target, method: name, surfaceDice: mean('surfaceDice'), dice: mean('dice'), kept: 'adapted' };
  };
  return {
    ...{ toleranceMm: recipe.toleranceMm, targets },
    methods: [
      // The name by which tables and charts know what the others are compared with.
      { name: sourceMethod, label: 'Base model', trainedParameters: 0, adapterBytes: null },
      { name: method, label: method, trainedParameters: trained, adapterBytes: statSync(file).size },
    ],
    scores: targets.flatMap((target) => [row(target, sourceMethod, before), row(target, method, adapted)]),
  };
}

function candidatesAt({ model, adapter, cases, scores }: Found, naming: Naming, site: string): Candidate[] {
  const dice = (all: readonly CaseScore[], one: Case) =>
    meanScore(
      all.filter(({ site, name }) => site === one.site && name === one.name),
      'dice',
    );
  return cases
    .filter((one) => one.site === site)
    .map((one) => ({
      ...{ one, model, name: naming.of(one), caseName: naming.of(one) },
      ...{ score: dice(scores.adapted, one), before: dice(scores.base, one) },
      outlines: [
        { of: 'frozen', adapter: null },
        { of: 'federated', adapter },
      ],
    }));
}

/** Pseudonyms by case; where they are lost or damaged, new ones are drawn. */
function knownNames(folder: string): { [name: string]: string } {
  try {
    return readRunJson(files(folder).pseudonyms);
  } catch {
    return {};
  }
}

/** Where the folder's page is; undefined before there is one. @throws GraftError PAGE_DAMAGED */
export function ownPage(folder: string): PageData | undefined {
  const { report } = files(folder);
  return existsSync(report) ? readPage(report) : undefined;
}

/** The files that a page of the folder follows from. */
export const ownFiles = (folder: string): string[] => [files(folder).report, files(folder).record];

/** For a `CaseShelf`. @throws GraftError CASE_UNKNOWN, RUN_DAMAGED */
export function ownCase(folder: string, site: string, name: string): CaseSource {
  const { record: file } = files(folder);
  const record = existsSync(file) ? readRunJson<Found>(file) : undefined;
  const naming = record && namingOf(record.names, [], knownNames(folder));
  const candidate = record && candidatesAt(record, naming!, site).find(({ caseName }) => caseName === name);
  if (!candidate) throw runError('CASE_UNKNOWN', { site, name, folder: basename(folder) });
  return { files: where, candidate, classes: record.classes.length };
}
