/**
 * How the coordinator judges what a site says: the answer is an entry for the ledger, or nothing where it was heard
 * before. A site can only spoil its own update: what does not bear its signature is set aside, not held against it.
 */
import { GraftError } from '../core/index.js';
import type { Book } from './book.js';
import type { Computation } from './computation/index.js';
import type { Entry } from './ledger.js';
import { openState, type SiteState } from './messages.js';
import type { Transport } from './transport.js';

/** What the coordinator judges by. */
export interface Bench {
  book: Book;
  /** The federation's identity. */
  federation: string;
  /** Fingerprint of the frozen network. */
  base: string;
  /** Names of the sites that may take part. */
  sites: readonly string[];
  transport: Transport;
  computation: Computation;
}

type Judgement = Extract<Entry, { site: string }>;

/** @param bytes as the transport brought them from this site */
export async function judge(bytes: Uint8Array, site: string, bench: Bench): Promise<Judgement | undefined> {
  const { book, federation } = bench;
  const reject = (reason: string): Judgement => ({ kind: 'rejected', site, reason });
  let state: SiteState;
  try {
    state = openState(bytes, site, (name) => book.registered.get(name)?.key);
  } catch (error) {
    if (error instanceof GraftError && error.code === 'MESSAGE_INVALID') return reject(error.message);
    throw error;
  }
  if (state.kind === 'present') return judgeRegistration(state, bench);
  const { round, down } = state;
  if (state.federation !== federation) return reject('it belongs to another federation');
  const traffic = { round, site, down, up: bytes.length };
  const { open } = book;
  if (open?.round !== round) {
    if (round > book.round) return reject(`it answers round ${round}, which was not begun`);
    if (book.heard(round, site) || state.kind === 'failed') return undefined;
    return { kind: 'late', ...traffic };
  }
  if (!open.chosen.includes(site)) return reject(`it was not chosen for round ${round}`);
  if (open.accepted.has(site) || open.out.has(site)) return undefined;
  if (state.kind === 'failed') return { kind: 'failed', reason: state.reason, ...traffic };
  return judgeUpdate(state, traffic, bench);
}

function judgeRegistration(
  { site, key, base, slices, cases }: Extract<SiteState, { kind: 'present' }>,
  { book, base: ours, sites }: Bench,
): Judgement | undefined {
  const reject = (reason: string): Judgement => ({ kind: 'rejected', site, reason });
  if (!sites.includes(site)) return reject('no site of this name is expected');
  if (base !== ours) return reject('its frozen network is another one');
  if (slices === 0 || cases === 0) return reject('it has no training cases');
  const known = book.registered.get(site);
  if (known && known.slices === slices && known.cases === cases) return undefined;
  return { kind: 'registered', site, key, slices, cases };
}

async function judgeUpdate(
  { blob, metrics }: Extract<SiteState, { kind: 'update' }>,
  traffic: { round: number; site: string; down: number; up: number },
  { book, transport, computation }: Bench,
): Promise<Judgement> {
  const { round, site } = traffic;
  let { up } = traffic;
  try {
    const bytes = await transport.getBlob(blob.hash);
    up += bytes.length;
    const norm = await computation.judge({ state: book.state!, round, site, blob, bytes });
    return { kind: 'accepted', ...traffic, up, blob, norm, metrics };
  } catch (error) {
    if (!(error instanceof GraftError) || !/^(PAYLOAD_INVALID|BLOB_MISSING)$/.test(error.code)) throw error;
    return { kind: 'refused', ...traffic, up, reason: error.message };
  }
}
