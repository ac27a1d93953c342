/**
 * The page of a hospital's site, from its folder alone, which is only read: what its journal says that it did, and what it
 * found on its own cases.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ActEntry, isActEntry, readAudit } from '../../audit/index.js';
import { isFolderLocked } from '../../core/index.js';
import { counted, type PageData, type PageSite } from '../../report/index.js';
import {
  type CaseAsked,
  CaseShelf,
  type CaseSlices,
  ownCase,
  ownFiles,
  ownPage,
  type PageSource,
  type VolumeAsked,
} from '../../studies/index.js';
import { journalFile } from '../journals.js';
import { journalPart, markOf } from './journal-part.js';
import { siteRunPlaces } from './places.js';

type Round = PageSite['done'][number];

export class SitePage implements PageSource {
  readonly #folder: string;
  /** For as long as what was scored is the same. */
  #cases: { mark: string; shelf: CaseShelf } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  mark(): string {
    const { adapter, scores } = siteRunPlaces(this.#folder);
    const files = [journalFile(this.#folder), adapter, join(this.#folder, 'lock.json'), ...ownFiles(scores)];
    return `${isFolderLocked(this.#folder)}\n${markOf(files)}`;
  }

  read(): PageData {
    // A site that was only requested has no journal yet.
    const begun = existsSync(journalFile(this.#folder));
    const lines = begun ? readAudit(journalFile(this.#folder)).lines : [];
    const acts = lines.map(({ entry }) => entry).filter(isActEntry);
    const running = isFolderLocked(this.#folder);
    const rounds = roundsIn(acts);
    const { adapter, scores } = siteRunPlaces(this.#folder);
    const own = ownPage(scores);
    const state = stateOf(acts, rounds.at(-1), running, isScoring(acts, adapter));
    const name = acts.at(-1)?.by ?? 'The site';
    const study = acts.findLast(({ act }) => act === 'started' || act === 'policy.allowed')?.subject;
    const total = acts.map(({ details }) => details?.rounds).findLast((count) => typeof count === 'number');
    return {
      ...own,
      title: name,
      description: study === undefined ? 'A site that has not taken part yet.' : `Takes part in ${study}.`,
      notes: [
        'What left this site is what the journal says: updates, and what was said of them. Images, labels and names of cases stayed here.',
        ...casesNotes(acts, own),
      ],
      ...(running && { running: { text: state } }),
      site: { state, done: rounds, ...(total !== undefined && { rounds: total }) },
      ...curvesOf(rounds),
      ...(begun && { journal: journalPart(this.#folder) }),
    };
  }

  slices(asked: CaseAsked): Promise<CaseSlices> {
    return this.#shelf().slices(asked);
  }

  volume(asked: VolumeAsked): Promise<Uint8Array | undefined> {
    return this.#shelf().volume(asked);
  }

  #shelf(): CaseShelf {
    const { scores } = siteRunPlaces(this.#folder);
    const mark = markOf(ownFiles(scores));
    if (this.#cases?.mark !== mark)
      this.#cases = { mark, shelf: new CaseShelf((site, name) => ownCase(scores, site, name)) };
    return this.#cases.shelf;
  }
}

/** Which cases were trained on, and what is known of those that were not. @param own what the site scored */
function casesNotes(acts: readonly ActEntry[], own: PageData | undefined): string[] {
  const { trainingCases, keptCases } = acts.findLast(({ act }) => act === 'policy.allowed')?.details ?? {};
  const notScored = acts.findLast(({ act }) => act === 'cases.scored')?.reason;
  if (typeof trainingCases !== 'number' || typeof keptCases !== 'number') return own?.notes ?? [];
  if (keptCases === 0)
    return [
      `All ${counted(trainingCases, 'labelled case')} of this site are trained on, so none can say how good the model is here, and none is shown. That needs labelled cases that training never sees: a recipe whose split keeps some for testing, or other cases, with graft predict and graft evaluate.`,
    ];
  const trained = `${counted(trainingCases, 'case')} of this site ${trainingCases === 1 ? 'is' : 'are'} trained on.`;
  const kept = `${counted(keptCases, 'labelled case')} ${keptCases === 1 ? 'is' : 'are'} kept from training`;
  if (notScored !== undefined)
    return [
      ...[trained, ...(own?.notes ?? [])],
      `${kept} and could not be scored (${notScored}); graft site run says why, and tries again.`,
    ];
  return own
    ? [trained, ...own.notes]
    : [
        trained,
        `${kept}: when the rounds are over, this site scores the base model and the result on ${keptCases === 1 ? 'it' : 'them'}, here alone.`,
      ];
}

function roundsIn(acts: readonly ActEntry[]): Round[] {
  const rounds = new Map<number, Round>();
  const at = (round: number): Round => {
    const one = rounds.get(round) ?? { round, down: 0, up: 0, metrics: {} };
    rounds.set(round, one);
    return one;
  };
  for (const { act, at: time, round, subject, bytes = 0, details, reason } of acts) {
    if (round === undefined) continue;
    if (act === 'task.received' && subject === 'round') at(round).asked = time;
    else if (act === 'update.sent') {
      const { metrics, received } = (details ?? {}) as { metrics?: Record<string, number>; received?: number };
      // Said again after an interruption, it is the same.
      Object.assign(at(round), { sent: time, up: bytes, down: received ?? 0, metrics: metrics ?? {} });
      delete at(round).reason;
    } else if (act === 'failure.sent' && reason !== undefined) at(round).reason = reason;
  }
  return [...rounds.values()].sort((a, b) => a.round - b.round);
}

function stateOf(acts: readonly ActEntry[], last: Round | undefined, running: boolean, scoring: boolean): string {
  const over = acts.findLast(({ act }) => act === 'task.received')?.subject === 'done';
  if (!running)
    return over ? 'The rounds are over; the site’s folder holds the adapter.' : 'The site does not run now.';
  if (over)
    return scoring
      ? 'The rounds are over; the site scores the cases that were kept from training.'
      : 'The rounds are over; the site waits in case the study goes on.';
  if (!last) return 'The site has joined and waits for the first round.';
  if (last.reason !== undefined) return `Round ${last.round} failed here.`;
  return last.sent === undefined || (last.asked ?? '') > last.sent
    ? `Trains round ${last.round}.`
    : `The update of round ${last.round} is sent; the site waits for the next round.`;
}

/** Whether there is a result that nothing was said of since, on cases that were kept from training. */
function isScoring(acts: readonly ActEntry[], adapter: string): boolean {
  const kept = acts.findLast(({ act }) => act === 'policy.allowed')?.details?.keptCases;
  const scored = acts.findLast(({ act }) => act === 'cases.scored')?.at ?? '';
  const made = statSync(adapter, { throwIfNoEntry: false })?.mtime.toISOString();
  return typeof kept === 'number' && kept > 0 && made !== undefined && scored < made;
}

function curvesOf(rounds: readonly Round[]): Pick<PageData, 'curves'> {
  const names = [...new Set(rounds.flatMap(({ metrics }) => Object.keys(metrics)))];
  const charts = names.map((name) => ({
    ...{ title: `${name}, as this site said`, xLabel: 'round', yLabel: name },
    series: [
      {
        name,
        points: rounds.flatMap(({ round, metrics }): [number, number][] =>
          metrics[name] === undefined ? [] : [[round, metrics[name]]],
        ),
      },
    ],
  }));
  const long = charts.filter(({ series: [{ points }] }) => points.length > 1);
  return long.length > 0 ? { curves: [{ charts: long }] } : {};
}
