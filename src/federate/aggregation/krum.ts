/**
 * `krum` and `multi-krum` (Blanchard et al. 2017, arXiv 1703.02119): of n sites the one whose whole update lies nearest to
 * its n − f − 2 nearest neighbours, or the mean of the n − f that do so best. Up to f sites that send anything whatever
 * cannot pull the result away from where the others agree, while n ≥ 2f + 3. Weights do not count: a site could claim any.
 *
 * Distances are those of the tensors that travel, factors of adapters as they are, summed over all names.
 */
import type { State } from '../../nn/index.js';
import { scope } from '../../torch/index.js';
import { type Aggregation, type AggregationInput, aggregateByName, type Contribution, made } from './aggregation.js';

const selecting = (select: (sites: number, hostile: number) => number): Aggregation => ({
  personal: () => false,
  trains: () => true,
  aggregate(input) {
    const { contributions, hostile } = input;
    const f = tolerable(contributions.length, hostile);
    const chosen = nearest(input, f)
      .slice(0, select(contributions.length, f))
      .sort((a, b) => a - b); // the sum's order stays that of the sites
    const alike = chosen.map((k) => ({ ...contributions[k], weight: 1 / chosen.length }));
    return aggregateByName({ ...input, contributions: alike });
  },
});

export const krum = selecting(() => 1);
export const multiKrum = selecting((sites, hostile) => sites - hostile);

/** How many hostile sites the method can tolerate: those expected, as far as n ≥ 2f + 3 allows. */
export const tolerable = (sites: number, hostile: number): number =>
  Math.max(0, Math.min(Math.floor(hostile * sites), Math.floor((sites - 3) / 2)));

/** Positions of the sites, the one with the least sum of squared distances to its neighbours first. */
function nearest({ contributions, names, global }: AggregationInput, hostile: number): number[] {
  const squares = squaredDistances(contributions, names, global);
  const neighbours = Math.max(1, contributions.length - hostile - 2);
  const scores = contributions.map((_, k) =>
    contributions
      .flatMap((_, other) => (other === k ? [] : squares[place(k, other)]))
      .sort((a, b) => a - b)
      .slice(0, neighbours)
      .reduce((sum, square) => sum + square, 0),
  );
  return scores.map((_, k) => k).sort((a, b) => scores[a] - scores[b] || a - b);
}

/** Where the distance of two different sites is: every pair once. */
const place = (i: number, j: number): number => (Math.max(i, j) * (Math.max(i, j) - 1)) / 2 + Math.min(i, j);

/**
 * Between all pairs of sites, over all names, in float64. Of each tensor as many sites are in memory as make up one
 * update; the others pass by them. So memory is one update and 4 bytes for the square of the number of sites, while time,
 * of computing and of reading, grows with that square.
 */
function squaredDistances(
  contributions: readonly Contribution[],
  names: readonly string[],
  global: State,
): Float64Array {
  const count = contributions.length;
  const squares = new Float64Array((count * (count - 1)) / 2);
  const update = names.reduce((sum, name) => sum + global.get(name)!.size, 0);
  for (const name of names) {
    const length = Math.max(1, Math.floor(update / Math.max(1, global.get(name)!.size)));
    for (let start = 0; start < count; start += length)
      made(() => {
        const end = Math.min(start + length, count);
        const block = contributions.slice(start, end).map(({ read }) => read(name)!);
        for (let j = 0; j < end; j++)
          scope(() => {
            const other = (block[j - start] ?? contributions[j].read(name)!).to('float64');
            for (let i = Math.max(start, j + 1); i < end; i++)
              squares[place(i, j)] += scope(
                () =>
                  other
                    .sub(block[i - start])
                    .norm()
                    .item() ** 2,
              );
          });
      });
  }
  return squares;
}
