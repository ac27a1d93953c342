/** The page of a hospital's site, from its folder alone, which is only read: what its journal says that it did. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ActEntry, isActEntry, readAudit } from '../../audit/index.js';
import { isFolderLocked } from '../../core/index.js';
import type { PageData, PageSite } from '../../report/index.js';
import type { PageSource } from '../../studies/index.js';
import { journalFile } from '../journals.js';
import { journalPart, markOf } from './journal-part.js';
import { siteRunPlaces } from './places.js';

type Round = PageSite['done'][number];

export class SitePage implements PageSource {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  mark(): string {
    const files = [journalFile(this.#folder), siteRunPlaces(this.#folder).adapter, join(this.#folder, 'lock.json')];
    return `${isFolderLocked(this.#folder)}\n${markOf(files)}`;
  }

  read(): PageData {
    // A site that was only requested has no journal yet.
    const begun = existsSync(journalFile(this.#folder));
    const lines = begun ? readAudit(journalFile(this.#folder)).lines : [];
    const acts = lines.map(({ entry }) => entry).filter(isActEntry);
    const running = isFolderLocked(this.#folder);
    const rounds = roundsIn(acts);
    const state = stateOf(acts, rounds.at(-1), running);
    const name = acts.at(-1)?.by ?? 'The site';
    const study = acts.findLast(({ act }) => act === 'started' || act === 'policy.allowed')?.subject;
    const total = acts.map(({ details }) => details?.rounds).findLast((count) => typeof count === 'number');
    return {
      title: name,
      description: study === undefined ? 'A site that has not taken part yet.' : `Takes part in ${study}.`,
      notes: [
        'What left this site is what the journal says: updates, and what was said of them. Images, labels and names of cases stayed here.',
      ],
      ...(running && { running: { text: state } }),
      site: { state, done: rounds, ...(total !== undefined && { rounds: total }) },
      ...curvesOf(rounds),
      ...(begun && { journal: journalPart(this.#folder) }),
    };
  }
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

function stateOf(acts: readonly ActEntry[], last: Round | undefined, running: boolean): string {
  const over = acts.findLast(({ act }) => act === 'task.received')?.subject === 'done';
  if (!running)
    return over ? 'The rounds are over; the site’s folder holds the adapter.' : 'The site does not run now.';
  if (over) return 'The rounds are over; the site waits in case the study goes on.';
  if (!last) return 'The site has joined and waits for the first round.';
  if (last.reason !== undefined) return `Round ${last.round} failed here.`;
  return last.sent === undefined || (last.asked ?? '') > last.sent
    ? `Trains round ${last.round}.`
    : `The update of round ${last.round} is sent; the site waits for the next round.`;
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
