/** How fast a run goes, from its log: what is done and how long it took, and what is left. */
import type { PageWork } from '../report/index.js';
import type { Task } from './tasks.js';

/** A line of a run's log; which keys it has depends on its kind. */
export interface PaceLine {
  /** ms since 1970. */
  time: number;
  kind?: string;
  /** From 0, and how many there are at most. */
  epoch?: number;
  epochs?: number;
  /** From 1, and how many there are. */
  round?: number;
  rounds?: number;
  /** Of a model that is done: what it counts for, and what training and scoring took since the last start. */
  entry?: string;
  seconds?: number;
}

/** What a line of the log says that a model is done. */
export const doneLine = (entry: string, begun: number) => ({
  kind: 'done',
  entry,
  seconds: (performance.now() - begun) / 1000,
});

/** The network of a seed in an adaptation, which all of its tasks start from. */
export const networkEntry = 'network';
/** What stands for models of a kind of which none is done. */
const anyModel = 'any';

/** The lines of the model under way. @param since when the process began, in ms since 1970 */
export const underWay = <Line extends PaceLine>(lines: readonly Line[], since: number): Line[] =>
  lines.slice(lines.findLastIndex(({ kind }) => kind === 'done') + 1).filter(({ time }) => time >= since);

/** Its epochs or rounds, of the training that its last lines are of; undefined before there are two. */
export function epochsLeft(lines: readonly PaceLine[]): PageWork | undefined {
  const ends = lines.filter((line) => stepsOf(line) !== undefined);
  const last = ends.at(-1);
  const own = ends.filter((line) => trainingOf(line) === trainingOf(last!));
  if (!last || own.length < 2) return undefined;
  const { done, total } = stepsOf(last)!;
  return {
    done: [{ kind: 'epoch', count: own.length - 1, seconds: (last.time - own[0].time) / 1000 }],
    left: [{ kind: 'epoch', count: total - done }],
    begun: new Date(last.time).toISOString(),
  };
}

/**
 * The models of a run.
 * @param since when the process began, in ms since 1970
 * @param isMade whether there is the network of a seed
 * @param left tasks that are not done
 */
export function modelsLeft(
  lines: readonly PaceLine[],
  since: number,
  left: readonly Task[],
  isMade: (seed: number) => boolean,
): PageWork {
  const done = new Map<string, PageWork['done'][number]>();
  const count = (kind: string, seconds: number) => {
    const one = done.get(kind) ?? { kind, count: 0, seconds: 0 };
    done.set(kind, { kind, count: one.count + 1, seconds: one.seconds + seconds });
  };
  for (const { kind, entry = '', seconds = 0 } of lines) {
    if (kind !== 'done') continue;
    count(entry, seconds);
    if (entry !== networkEntry) count(anyModel, seconds);
  }
  // Where the first network took a while, the next ones will.
  const networks = (seed: number) => (done.has(networkEntry) && !isMade(seed) ? [networkEntry] : []);
  const seeds = [...new Set(left.map(({ key }) => key.seed))];
  const kinds = seeds.flatMap((seed) => [
    ...networks(seed),
    ...left.filter(({ key }) => key.seed === seed).map(({ entry }) => (done.has(entry) ? entry : anyModel)),
  ]);
  const begun = Math.max(since, ...lines.filter(({ kind }) => kind === 'done').map(({ time }) => time));
  return {
    done: [...done.values()],
    left: kinds.map((kind) => ({ kind, count: 1 })),
    begun: new Date(begun).toISOString(),
  };
}

/** Epochs or rounds that are done after a line, and all of them; undefined where it tells of none. */
export function stepsOf({ epoch, epochs, round, rounds }: PaceLine): { done: number; total: number } | undefined {
  if (epoch !== undefined && epochs !== undefined) return { done: epoch + 1, total: epochs };
  return round !== undefined && rounds !== undefined ? { done: round, total: rounds } : undefined;
}

/** Which training a line is of: all its keys that are no numbers of it. */
function trainingOf(line: PaceLine): string {
  const { seed, target, fold, method, plan, regime, site, task, kind } = line as PaceLine & { [key: string]: unknown };
  return JSON.stringify([seed, target, fold, method, plan, regime, site, task, kind]);
}
