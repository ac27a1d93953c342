/**
 * The work on a study: series are segmented one by one, and the results are sent. The state is written after each step, so
 * that a process that is killed goes on with the next; no series is segmented twice, and none is tried for ever.
 */
import { join } from 'node:path';
import { exitCodes, GraftError, runToEnd } from '../core/index.js';
import { type Destination, destinationName, sendFiles } from '../pacs/index.js';
import type { Diary } from './diary.js';
import type { SeenSeries, Segmented } from './message.js';
import type { ModelThread } from './model-thread.js';
import { type Choice, type Rule, ruleFor } from './rules.js';
import type { StudyFolder, StudyState } from './study-folder.js';

export interface Work {
  thread: ModelThread;
  rules: readonly Rule[];
  destination: Destination | undefined;
  diary: Diary;
  signal: AbortSignal;
}

/** A series that takes the process with it is left after so many times. */
const mostTries = 3;

/** What a later try may get over, such as a full disk. */
export const mayPass = ({ exitCode }: { exitCode: number }) =>
  exitCode === exitCodes.system || exitCode === exitCodes.engine;

/**
 * Goes on with a study as far as it can.
 *
 * @returns whether nothing is left to be done
 * @throws the signal's reason; WRITE_FAILED
 */
export async function workOn(folder: StudyFolder, work: Work): Promise<boolean> {
  const state = folder.state();
  if (folder.isSettled(state)) return true;
  const listing = folder.listing();
  let complete = true;
  for (const series of folder.imageCount() > 0 ? await work.thread.ask(lookAt(folder), work.signal) : []) {
    const { name } = series.source;
    if (state.done[name] !== series.digest && !(await segmentSeries(folder, state, series, work))) complete = false;
  }
  if (!(await sendResults(folder, state, work))) complete = false;
  if (!complete) return false;
  // What came meanwhile is another list, which has its own turn.
  Object.assign(state, { settled: listing, settledAt: Date.now() });
  folder.write(state);
  return true;
}

const lookAt = ({ images }: StudyFolder) => ({ kind: 'look', images }) as const;

/** @returns whether the work on it is over, whatever came out */
async function segmentSeries(
  folder: StudyFolder,
  state: StudyState,
  { source, words, digest }: SeenSeries,
  { thread, rules, diary, signal, destination }: Work,
): Promise<boolean> {
  const about = { study: folder.name, series: source.name };
  const over = () => {
    state.done[source.name] = digest;
    delete state.begun[source.name];
    folder.write(state);
  };
  const choice = ruleFor(rules, words);
  if (!choice) {
    diary.note('left alone', { ...about, reason: 'no rule' });
    over();
    return true;
  }
  const tries = state.begun[source.name] ?? 0;
  if (tries >= mostTries) {
    diary.note('left alone', { ...about, reason: `ended without a result ${tries} times` });
    over();
    return true;
  }
  const begun = (times: number) => {
    state.begun[source.name] = times;
    folder.write(state);
  };
  begun(tries + 1);
  let done: Segmented;
  try {
    done = await thread.ask({ kind: 'segment', choice, source, masks: folder.masks }, signal);
  } catch (error) {
    // An end that was asked for is no failure of the series.
    if (signal.aborted) begun(tries);
    signal.throwIfAborted();
    diary.note('failed', { ...about, code: codeOf(error) });
    return false;
  }
  if (done.failure) {
    diary.note('failed', { ...about, code: done.failure.code });
    if (mayPass(done.failure)) return false;
  }
  if (destination) state.unsent = [...new Set([...state.unsent, ...done.files])];
  over();
  for (const mask of done.masks) noteMask(mask, choice, about, diary);
  return true;
}

function noteMask(
  { mask, segmentedMl, routing, warnings }: Segmented['masks'][number],
  { adapter, adapters }: Choice,
  about: { study: string; series: string },
  diary: Diary,
): void {
  const chosen = routing ? (routing.target ?? 'none') : adapter === undefined ? undefined : 'as named';
  diary.note(mask === null ? 'nothing segmented' : 'segmented', {
    ...about,
    ...{ ml: Number(segmentedMl.toFixed(1)), adapter: chosen, warnings: warnings.length },
    ...(adapters && routing && { probability: Number(routing.probability.toFixed(2)) }),
  });
}

/** @returns whether nothing is left to be sent */
async function sendResults(folder: StudyFolder, state: StudyState, work: Work): Promise<boolean> {
  const { destination, diary, signal } = work;
  if (!destination || state.unsent.length === 0) return true;
  const to = destinationName(destination);
  const files = state.unsent.map((name) => join(folder.masks, name));
  try {
    await runToEnd(sendFiles(destination, files, signal));
  } catch (error) {
    signal.throwIfAborted();
    diary.note('not sent', { study: folder.name, to, code: codeOf(error) });
    return false;
  }
  state.unsent = [];
  folder.write(state);
  diary.note('sent', { study: folder.name, to, files: files.length });
  return true;
}

/** An error without its message, which may name files. */
export const codeOf = (error: unknown): string => (error instanceof GraftError ? error.code : 'INTERNAL');
