/** A worker's conversation with the harness, as bench/peers/worker.py has it. Linux: memory is read from /proc. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { threads, torchVersion } from '../../dist/torch/index.js';

/** Bytes of a field of /proc/self/status, such as VmHWM, the peak of the resident memory. */
export const memory = (field) =>
  1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);

/** Lets VmHWM count from what is resident now. */
export const forgetPeak = () => writeFileSync('/proc/self/clear_refs', '5');

/** Answers each "go" with the sample's milliseconds, what it returned, and the peak of the memory since the first. */
export async function serve(sample) {
  await new Promise(setImmediate);
  globalThis.gc?.();
  forgetPeak();
  console.log(JSON.stringify({ ready: true, torch: torchVersion(), threads: threads() }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== 'go') break;
    const [begin, processor] = [performance.now(), process.cpuUsage()];
    const value = await sample();
    const ms = performance.now() - begin;
    const { user, system } = process.cpuUsage(processor);
    console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1000, value, peak: memory('VmHWM') }));
  }
}
