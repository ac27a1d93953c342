/** What a ledger tells of a federation, for status and report: rounds, and what became of each site in them. */
import { existsSync } from 'node:fs';
import { type Agreement, type Entry, ledgerFile, readLedger } from '../../federate/index.js';

/** A round that was aggregated. */
export interface RoundHistory {
  round: number;
  /** When it was. */
  at: string | undefined;
  /** Shares of the sites whose updates are in it. */
  weights: Record<string, number>;
  /** What sites said of their training, weighted by these shares. */
  loss: number | undefined;
  /** Of the aggregation, and how the updates lie to each other. */
  error: number | undefined;
  agreement: Agreement | undefined;
  down: number;
  up: number;
  fingerprint: string;
}

export interface SiteHistory {
  slices: number;
  cases: number;
  /** Updates that were accepted; those that were refused or came late, and failures. */
  accepted: number;
  refused: number;
  down: number;
  up: number;
  /** From being asked until its update was accepted: how often that is known, and the seconds together. */
  took: { count: number; seconds: number };
  /** Whether no round asks it, because its folder is older than what it sent. */
  leftOut: boolean;
  /** Why it was last refused, rejected or failed. */
  reason: string | undefined;
}

/** The round under way. */
export interface OpenHistory {
  round: number;
  /** When the sites were asked. */
  asked?: string;
  chosen: string[];
  accepted: string[];
  out: string[];
}

export interface History {
  begun: string | undefined;
  rounds: RoundHistory[];
  sites: Map<string, SiteHistory>;
  open: OpenHistory | undefined;
}

/** @param folder the coordinator's @throws GraftError LEDGER_DAMAGED */
export function historyOf(folder: string): History {
  const file = ledgerFile(folder);
  const history: History = { begun: undefined, rounds: [], sites: new Map(), open: undefined };
  const teller = new Teller(history);
  if (existsSync(file)) for (const entry of readLedger(file)) teller.add(entry);
  return history;
}

class Teller {
  readonly #history: History;
  #losses = new Map<string, number>();
  #traffic = { down: 0, up: 0 };
  #weights: Record<string, number> = {};

  constructor(history: History) {
    this.#history = history;
  }

  add(entry: Entry): void {
    const history = this.#history;
    if ('down' in entry) this.#count(entry);
    switch (entry.kind) {
      case 'opened':
        history.begun = entry.at;
        break;
      case 'registered':
        Object.assign(this.#site(entry.site), { slices: entry.slices, cases: entry.cases, leftOut: false });
        break;
      case 'published':
        history.open = {
          ...{ round: entry.round, ...(entry.at !== undefined && { asked: entry.at }) },
          ...{ chosen: [...entry.chosen], accepted: [], out: [] },
        };
        [this.#losses, this.#traffic] = [new Map(), { down: 0, up: 0 }];
        break;
      case 'members':
        if (history.open) history.open.chosen = history.open.chosen.filter((site) => entry.sites.includes(site));
        break;
      case 'accepted':
        this.#site(entry.site).accepted++;
        this.#site(entry.site).leftOut = false;
        this.#time(entry);
        history.open?.accepted.push(entry.site);
        this.#losses.set(entry.site, Number(entry.metrics.loss ?? Number.NaN));
        break;
      case 'refused':
      case 'failed':
        this.#site(entry.site).refused++;
        this.#site(entry.site).reason = entry.reason;
        if (entry.kind === 'failed' && entry.behind) this.#site(entry.site).leftOut = true;
        history.open?.out.push(entry.site);
        break;
      case 'rejected':
        this.#site(entry.site).reason = entry.reason;
        break;
      case 'late':
        this.#site(entry.site).refused++;
        this.#site(entry.site).reason = `its update of round ${entry.round} came late`;
        break;
      case 'stalled':
        if (history.open) history.open.out = [];
        break;
      case 'closed':
        this.#weights = entry.weights;
        break;
      case 'aggregated':
        history.rounds.push({
          ...{ round: entry.round, at: entry.at, weights: this.#weights, loss: this.#loss() },
          ...{ error: entry.error, agreement: entry.agreement },
          ...{ ...this.#traffic, fingerprint: entry.state.fingerprint },
        });
        history.open = undefined;
        break;
    }
  }

  #site(name: string): SiteHistory {
    const { sites } = this.#history;
    const fresh = { slices: 0, cases: 0, accepted: 0, refused: 0, down: 0, up: 0, leftOut: false, reason: undefined };
    if (!sites.has(name)) sites.set(name, { ...fresh, took: { count: 0, seconds: 0 } });
    return sites.get(name)!;
  }

  #time({ site, round, at }: { site: string; round: number; at?: string | undefined }): void {
    const { open } = this.#history;
    if (at === undefined || open?.asked === undefined || round !== open.round) return;
    const { took } = this.#site(site);
    took.count++;
    took.seconds += (Date.parse(at) - Date.parse(open.asked)) / 1000;
  }

  #count({ site, round, down, up }: { site: string; round: number; down: number; up: number }): void {
    const one = this.#site(site);
    one.down += down;
    one.up += up;
    if (round !== this.#history.open?.round) return;
    this.#traffic.down += down;
    this.#traffic.up += up;
  }

  #loss(): number | undefined {
    const all = Object.entries(this.#weights).map(([site, weight]) => weight * (this.#losses.get(site) ?? Number.NaN));
    const sum = all.reduce((total, one) => total + one, 0);
    return Number.isFinite(sum) ? sum : undefined;
  }
}
