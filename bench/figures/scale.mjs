/**
 * How a round's time and memory grow: with the number of sites, of which none trains and all share one network of 76
 * numbers, so that what is seen is what coordinator and sites keep of one another; and with the slices of two sites that
 * train the smallest Segment Anything. A row for each count, and one with the exponents of both (least squares of
 * logarithms, with the 95 % interval of a bootstrap over the samples).
 */
import { random } from '../../dist/core/index.js';
import { alternate, median, own, quantile } from '../harness.mjs';

const round = (value) => Number(value.toPrecision(3));

export async function* scale({ runs = 3, sites = [3, 10, 30, 100, 300], slices = [16, 32, 64, 128] }) {
  for (const [axis, counts] of Object.entries({ sites, slices })) {
    const workers = [];
    try {
      for (const count of counts) workers.push(await own('scale.mjs', axis, count));
      const samples = await alternate(workers, { runs });
      for (const [i, list] of samples.entries()) yield { variant: `${counts[i]} ${axis}`, ...rowOf(list) };
      const points = samples.flatMap((list, i) => list.map((sample) => ({ count: counts[i], ...sample })));
      // Where nothing was taken beyond what the process held, there is no growth to fit.
      const of = (field) => points.map((one) => [one.count, one[field]]).filter(([, value]) => value > 0);
      const [time, cpu, memory] = ['ms', 'cpuMs', 'value'].map((field) => exponent(of(field)));
      yield { variant: `exponents of ${axis}`, time, cpu, memory, runs };
    } finally {
      for (const worker of workers) worker.stop();
    }
  }
}

const rowOf = (samples) => ({
  ms: Math.round(median(samples.map(({ ms }) => ms))),
  cpuMs: Math.round(median(samples.map(({ cpuMs }) => cpuMs))),
  megabytes: round(median(samples.map(({ value }) => value)) / 1e6),
  runs: samples.length,
});

/** @param points pairs of a count and what was measured @returns [estimate, low, high] */
function exponent(points) {
  const stream = random(1, 'bootstrap');
  const resampled = Array.from({ length: 1000 }, () => slope(points.map(() => points[stream.integer(points.length)])));
  const finite = resampled.filter(Number.isFinite); // a sample may have one count alone
  return [slope(points), quantile(finite, 0.025), quantile(finite, 0.975)].map(round);
}

/** Least squares of logarithms. */
function slope(points) {
  const logs = points.map((point) => point.map(Math.log));
  const [x, y] = [0, 1].map((k) => logs.reduce((sum, log) => sum + log[k], 0) / logs.length);
  const both = logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0);
  return both / logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0);
}
