/**
 * What keeps a run from going on under another recipe: whatever its results depend on must stay, and so must what was asked
 * for. The functions give reasons; where there are none, the run goes on.
 */
import type { Change } from '../core/index.js';

/** Keys that only the report shows. */
const shownOnly = ['title', 'description'];

/** Keys that changed although they may not. @param free those that may */
export const fixedAmong = (
  changes: readonly Change[],
  free: readonly string[],
  why: (key: string) => string,
): string[] =>
  changes
    .filter(({ key }) => ![...shownOnly, ...free].some((one) => key === one || key.startsWith(`${one}.`)))
    .map(({ key }) => `${key}: ${why(key)}`);

/** Lists of which something was taken away. */
export const removedFrom = <Key extends string>(
  keys: readonly Key[],
  before: Record<Key, readonly unknown[]>,
  now: Record<Key, readonly unknown[]>,
): string[] =>
  keys
    .filter((key) => before[key].some((one) => !now[key].includes(one)))
    .map((key) => `${key}: what was asked for must stay in the list`);

/** Methods or plans that are missing now, or have other settings. @param settings those that must stay */
export const changedAmong = <Variant extends { name: string }>(
  key: string,
  before: readonly Variant[],
  now: readonly Variant[],
  settings: (variant: Variant) => unknown,
): string[] =>
  before.flatMap((variant) => {
    const { name } = variant;
    const next = now.find((one) => one.name === name);
    if (!next) return [`${key}: ${name} must stay in the list`];
    const same = JSON.stringify(settings(next)) === JSON.stringify(settings(variant));
    return same ? [] : [`${key}: ${name} has other settings now; give the new ones a name of their own`];
  });
