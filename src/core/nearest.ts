/** Suggestions for misspelt names. */

/** Edits for each letter of the longer name, up to which one name may have been meant by another. */
const MEANT = 0.4;

/** The end of a sentence that says that a name is unknown: `; did you mean X?`, or a full stop where nothing is near. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const [best] = candidates
    .map((other) => ({ other, share: edits(name, other) / Math.max(name.length, other.length) }))
    .sort((a, b) => a.share - b.share);
  return best && best.share <= MEANT ? `; did you mean ${best.other}?` : '.';
}

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
