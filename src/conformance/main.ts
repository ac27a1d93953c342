#!/usr/bin/env node
/** Runs every golden case below the given folders, prints a line each, and exits with 1 unless all pass. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { scope } from '../torch/index.js';
import { Comparison, type Kind, readCase } from './case.js';
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

let passed = 0;
let failed = 0;
for (const folder of process.argv.slice(2).flatMap(findCases)) {
  let kind = '?';
  let text: string;
  let good = false;
  try {
    const golden = readCase(folder);
    kind = golden.kind;
    const run = kinds[kind];
    if (!run) throw new Error('no such kind');
    const comparison = new Comparison();
    scope(() => run(golden, comparison));
    good = comparison.count > 0 && comparison.worst <= golden.rtol;
    text = comparison.worst.toExponential(2) + (good ? '' : ` (${comparison.where}, allowed ${golden.rtol})`);
  } catch (error) {
    text = (error as Error).message;
  }
  if (good) passed++;
  else failed++;
  console.log(`${folder}  ${kind}  ${text}  ${good ? 'pass' : 'fail'}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
