/** What changed between two configurations, and how that is told: each key with both of its values. */

export interface Change {
  /** Dotted. */
  key: string;
  /** Undefined where the key was, or is, not there. */
  before: unknown;
  now: unknown;
}

/** Keys whose values differ. */
export function changesBetween(before: unknown, now: unknown, path: string[] = []): Change[] {
  if (JSON.stringify(before) === JSON.stringify(now)) return [];
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isRecord(before) || !isRecord(now)) return [{ key: path.join('.'), before, now }];
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
    changesBetween(before[key], now[key], [...path, key]),
  );
}

/** `epochs: 3 in the run, 5 now; …` @param where the earlier values are, such as `the run` */
export const tellChanges = (changes: readonly Change[], where: string): string =>
  changes.map(({ key, before, now }) => `${key}: ${told(before)} in ${where}, ${told(now)} now`).join('; ');

const longest = 60;

function told(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
