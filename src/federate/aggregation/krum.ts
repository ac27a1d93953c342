/**
 * `krum` and `multi-krum` (Blanchard et al. 2017, arXiv 1703.02119): of n sites the one whose whole update lies nearest to
 * its n − f − 2 nearest neighbours, or the mean of the n − f that do so best. Up to f sites that send anything whatever
 * cannot pull the result away from where the others agree, while n ≥ 2f + 3. Weights do not count: a site could claim any.
 *
 * Distances are those of the tensors that travel, factors of adapters as they are, summed over all names.
 */
import { scope, type Tensor } from '../../torch/index.js';
import { type Aggregation, type AggregationInput, aggregateByName, type Contribution } from './aggregation.js';

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
function nearest({ contributions, names }: AggregationInput, hostile: number): number[] {
  const squares = squaredDistances(contributions, names);
  const neighbours = Math.max(1, contributions.length - hostile - 2);
  const scores = squares.map((row, k) =>
    row
      .filter((_, other) => other !== k)
      .sort((a, b) => a - b)
      .slice(0, neighbours)
      .reduce((sum, square) => sum + square, 0),
  );
  return scores.map((_, k) => k).sort((a, b) => scores[a] - scores[b] || a - b);
}

/** Between all pairs of sites, over all names; in float64, with one tensor of all sites at a time in memory. */
function squaredDistances(contributions: readonly Contribution[], names: readonly string[]): number[][] {
  const squares = contributions.map(() => contributions.map(() => 0));
  for (const name of names)
    scope(() => {
      const values: Tensor[] = contributions.map(({ read }) => read(name)!);
      for (let i = 0; i < values.length; i++)
        scope(() => {
          const value = values[i].to('float64');
          for (let j = 0; j < i; j++) {
            const square = scope(() => value.sub(values[j]).norm().item() ** 2);
            squares[i][j] += square;
            squares[j][i] += square;
          }
        });
    });
  return squares;
}
