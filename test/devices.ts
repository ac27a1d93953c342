/** Runs a group of tests once for every device that this machine has; what is absent is named in the report. */
import { describe, it } from 'vitest';
import { devices } from '../src/torch/index.js';

const present = devices();

export function eachDevice(title: string, body: (device: string) => void): void {
  for (const device of present) describe(`${title} on ${device}`, () => body(device));
  if (present.length === 1) it.skip(`${title} on CUDA: no such device here`);
}
