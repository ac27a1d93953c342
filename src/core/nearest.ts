/** Suggestions for misspelt names. */

/** The candidate that the fewest edits turn the name into; candidates must not be empty. */
export const nearest = (name: string, candidates: readonly string[]): string =>
  candidates.reduce((best, other) => (edits(name, other) < edits(name, best) ? other : best));

/** The Levenshtein distance, letters compared without case. */
function edits(from: string, to: string): number {
  const [a, b] = [from.toLowerCase(), to.toLowerCase()];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}
