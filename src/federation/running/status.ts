/** How a federation stands, from the coordinator's folder alone: whether or not the coordinator runs. */
import { GraftError, standingOf } from '../../core/index.js';
import { openCoordinatorFolder } from '../coordinator-folder.js';
import { federationError } from '../errors.js';
import { journalOf } from '../journals.js';
import type { PartyKeys } from '../keys.js';
import { changeControl, readControl } from './control.js';
import { historyOf, type RoundHistory } from './history.js';
import { runningPlaces } from './places.js';
import { readStanding, type Seen } from './standing.js';

export interface SiteStatus {
  name: string;
  /** Of training, as the site said; undefined where it has not been there yet. */
  cases: number | undefined;
  slices: number | undefined;
  /** Updates that were taken, and those that were not. */
  accepted: number;
  refused: number;
  /** Bytes to and from it in all rounds. */
  moved: number;
  /** Whether no round asks it, because its folder is older than what it sent (SITE_BEHIND). */
  leftOut: boolean;
  /** Why something of it was last not taken. */
  reason: string | undefined;
  /** What it said of itself last, and when; undefined where nothing is known. */
  seen: Seen | undefined;
}

export interface FederationStatus {
  study: string;
  /** `unknown`: perhaps on another machine. */
  coordinator: 'running' | 'stopped' | 'unknown';
  broker: 'connected' | 'away' | undefined;
  paused: boolean;
  /** Rounds that are done, and all. */
  done: number;
  rounds: number;
  /** The round under way: who is asked, and whose update is there. */
  open: { round: number; chosen: string[]; accepted: string[]; out: string[] } | undefined;
  last: RoundHistory | undefined;
  sites: SiteStatus[];
  report: string | undefined;
  /** What is wrong with the journal; undefined where a coordinator can be run with it. */
  journalFault: string | undefined;
}

/** @throws GraftError as `openCoordinatorFolder`; LEDGER_DAMAGED, CONTROL_DAMAGED */
export function federationStatus(folder: string): FederationStatus {
  const { study, members, keys } = openCoordinatorFolder(folder);
  const control = readControl(folder);
  const { rounds: done, sites, open } = historyOf(folder);
  const standing = readStanding(runningPlaces(folder).standing);
  const process = standing && standingOf(standing.process);
  const rounds = Math.max(study.federation.rounds, control.rounds ?? 0);
  const last = done.at(-1);
  return {
    study: study.name,
    coordinator: process === 'running' || process === 'unknown' ? process : 'stopped',
    broker: process === 'running' ? standing?.broker : undefined,
    paused: control.paused,
    ...{ done: done.length, rounds, open, last },
    sites: members().map(({ name }): SiteStatus => {
      const one = sites.get(name);
      return {
        ...{ name, cases: one?.cases, slices: one?.slices, accepted: one?.accepted ?? 0, refused: one?.refused ?? 0 },
        ...{ leftOut: one?.leftOut ?? false },
        ...{ moved: (one?.down ?? 0) + (one?.up ?? 0), reason: one?.reason, seen: standing?.sites[name] },
      };
    }),
    report: last && last.round === rounds ? runningPlaces(folder).result.report : undefined,
    journalFault: journalFault(folder, keys),
  };
}

function journalFault(folder: string, keys: PartyKeys): string | undefined {
  try {
    journalOf(folder, 'coordinator', keys);
    return undefined;
  } catch (error) {
    if (error instanceof GraftError) return error.message;
    throw error;
  }
}

/** Has no further round begun, or lets them be begun again. @throws GraftError as `openCoordinatorFolder`; JOURNAL_DAMAGED, CONTROL_DAMAGED */
export function pauseFederation(folder: string, paused: boolean): void {
  const { keys, study } = openCoordinatorFolder(folder);
  const journal = journalOf(folder, 'coordinator', keys);
  changeControl(folder, { paused });
  const act = paused ? 'federation.paused' : 'federation.resumed';
  journal.note({ act, subject: study.name });
}

/** @param rounds in all @throws GraftError as `openCoordinatorFolder`; ROUNDS_FEWER, JOURNAL_DAMAGED, CONTROL_DAMAGED */
export function extendFederation(folder: string, rounds: number): void {
  const { rounds: known } = federationStatus(folder);
  if (rounds <= known) throw federationError('ROUNDS_FEWER', { folder, rounds: known, asked: rounds });
  const { keys, study } = openCoordinatorFolder(folder);
  const journal = journalOf(folder, 'coordinator', keys);
  changeControl(folder, { rounds });
  journal.note({ act: 'study.extended', subject: study.name, details: { rounds } });
}
