#!/usr/bin/env node
/**
 * Runs every golden case below the given folders, prints a line each, and exits with 1 unless all pass.
 *
 * A case is computed in float32, as all work is. Some gradients of the cases are sums that nearly cancel, and rounding
 * moves them, in the reference as here, by about as much as the tolerance allows: on some processors less, on some more.
 * So where float32 misses the tolerance by a little, the same code in float64 tells rounding from a mistake.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { scope } from '../torch/index.js';
import { Comparison, type GoldenCase, type Kind, readCase } from './case.js';
import { loraAggregate } from './lora-aggregate.js';
import { metrics } from './metrics.js';
import { samCheckpoint, samStep } from './sam.js';
import { convLoraStep, unet2d } from './unet.js';

const kinds: Record<string, Kind> = {
  unet2d,
  'convlora-step': convLoraStep,
  metrics,
  'lora-aggregate': loraAggregate,
  'sam-step': samStep,
  'sam-checkpoint': samCheckpoint,
};

/** Folders with a `case.json`, at any depth. */
function findCases(folder: string): string[] {
  if (existsSync(join(folder, 'case.json'))) return [folder];
  if (!existsSync(folder)) return [];
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => join(folder, name))
    .sort()
    .flatMap(findCases);
}

/** By how much float32 may miss a tolerance that float64 keeps. */
const ROUNDING = 10;

function compare(golden: GoldenCase): Comparison {
  const run = kinds[golden.kind];
  if (!run) throw new Error('no such kind');
  const comparison = new Comparison();
  scope(() => run(golden, comparison));
  return comparison;
}
const within = ({ count, worst }: Comparison, rtol: number) => count > 0 && worst <= rtol;

let passed = 0;
let failed = 0;
for (const folder of process.argv.slice(2).flatMap(findCases)) {
  let kind = '?';
  let text: string;
  let good = false;
  try {
    const golden = readCase(folder, 'float32');
    const { rtol } = golden;
    kind = golden.kind;
    const comparison = compare(golden);
    text = comparison.worst.toExponential(2);
    good = within(comparison, rtol);
    if (!good && within(comparison, ROUNDING * rtol)) {
      const exact = compare(readCase(folder, 'float64'));
      good = within(exact, rtol);
      if (good) text += ` (rounding: ${exact.worst.toExponential(2)} in float64)`;
    }
    if (!good) text += ` (${comparison.where}, allowed ${rtol})`;
  } catch (error) {
    text = (error as Error).message;
  }
  if (good) passed++;
  else failed++;
  console.log(`${folder}  ${kind}  ${text}  ${good ? 'pass' : 'fail'}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
