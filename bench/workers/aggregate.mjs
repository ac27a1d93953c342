/**
 * Closing a round: hashes of the kept files are compared, tensors aggregated, the next global state made and kept.
 * Usage: aggregate.mjs FOLDER SITES THREADS; FOLDER as shared/closing.mjs writes it. A sample's values are the most bytes that tensors
 * had while those of an update were read, and the most that the process grew by, pages of files apart.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inProcess, wireFormats } from '../../dist/federate/index.js';
import { memoryStatistics, setThreads } from '../../dist/torch/index.js';
import { roundOf } from '../shared/closing.mjs';
import { forgetPeak, memory, serve } from './worker.mjs';

const [folder, sites, threads] = process.argv.slice(2);
setThreads(Number(threads));
const { label, big, small } = JSON.parse(readFileSync(join(folder, 'setup.json'), 'utf8'));
// The code is loaded and run once, with tensors of a few numbers.
await inProcess({ folder, label }).aggregate(roundOf(small, 60));

let [held, tensors] = [0, 0];
const format = wireFormats[label.config.wire];
const { decode } = format;
format.decode = (coded) => {
  tensors = Math.max(tensors, memoryStatistics().bytes - held);
  return decode(coded);
};

await serve(async () => {
  const computation = inProcess({ folder, label });
  await computation.tensors(big.state);
  globalThis.gc();
  [held, tensors] = [memoryStatistics().bytes, 0];
  forgetPeak();
  const before = memory('RssAnon');
  await computation.aggregate(roundOf(big, Number(sites)));
  const grown = memory('VmHWM') - memory('RssFile') - before;
  computation[Symbol.dispose]();
  return [tensors, grown];
});
