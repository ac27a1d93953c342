/** The benchmark sets of the two papers, each read from the layout in which it is published. */
import { existsSync } from 'node:fs';
import type { Dataset } from '../dataset.js';
import { layoutError } from '../layouts/errors.js';
import { sitesOf } from '../layouts/index.js';
import type { Report } from '../layouts/layout.js';
import type { Benchmark } from './benchmark.js';
import { cc359 } from './cc359.js';
import { benchmarkError } from './errors.js';
import { fedIxi } from './fed-ixi.js';
import { fedKits19 } from './fed-kits19.js';
import { prostate } from './prostate.js';

export type { Benchmark } from './benchmark.js';
export { benchmarkErrors } from './errors.js';

export const benchmarks = {
  'fed-kits19': fedKits19,
  'fed-ixi': fedIxi,
  prostate,
  cc359,
} satisfies Record<string, Benchmark>;
export type BenchmarkName = keyof typeof benchmarks;
export const benchmarkNames = Object.keys(benchmarks) as [BenchmarkName, ...BenchmarkName[]];

/**
 * Finds the cases of a published set with its sites, its parts and what it fixes for a case's preprocessing. No voxels are
 * read.
 *
 * @param benchmark one of the names in docs/datasets.md, such as `cc359`
 * @param root the set's folder
 * @param options.report takes the faults one by one; default: they are thrown together
 * @throws GraftError DATASET_NOT_FOUND, or BENCHMARK_FAULTS where the set is not whole
 */
export function readBenchmark(benchmark: BenchmarkName, root: string, options: { report?: Report } = {}): Dataset {
  if (!existsSync(root)) throw layoutError('DATASET_NOT_FOUND', { root });
  const faults: Parameters<Report>[0][] = [];
  const report: Report = options.report ?? ((fault) => faults.push(fault));
  const { classes, read } = benchmarks[benchmark];
  const sites = sitesOf(read(root, report), report);
  if (faults.length > 0)
    throw benchmarkError('BENCHMARK_FAULTS', { root, benchmark, count: faults.length, first: faults[0].message });
  return { root, sites, classes: [...classes] };
}
