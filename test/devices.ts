/** Runs a group of tests once for every device that this machine has; what is absent is named in the report. */
import { describe, it } from 'vitest';
import { devices, setThreads } from '../src/torch/index.js';

// Test files run side by side; their tensors are too small to gain from more threads.
setThreads(1);

const present = devices();

export function eachDevice(title: string, body: (device: string) => void): void {
  for (const device of present) describe(`${title} on ${device}`, () => body(device));
  if (present.length === 1) it.skip(`${title} on CUDA: no such device here`);
}
