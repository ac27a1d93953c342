/**
 * A round of many sites that waits to be closed: updates of the plan `flap-sam` (two classes, rank 32; on SAM's ViT-B 1.85
 * million numbers) with random values, half as far from the global state as that is from zero. Eight differ, and the sites
 * share them, so what is read comes from the system's file cache.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Blobs } from '../../dist/federate/blobs.js';
import { GlobalState } from '../../dist/federate/global.js';
import { encodePayload, federationSchema, wireFormats } from '../../dist/federate/index.js';
import { send } from '../../dist/federate/wire/index.js';
import { Generator, operator } from '../../dist/torch/index.js';
import { flapSam } from './flap-sam.mjs';

const randn = operator('aten::randn.generator');
const distinct = 8;

/** Puts a global state and updates into a folder of blobs. @param {Map<string, number[]>} shapes */
function keep(folder, shapes, config) {
  const label = { base: 'bench', plan: 'flap-sam', config };
  const blobs = new Blobs(folder);
  const generator = new Generator(1);
  const begin = new Map([...shapes].map(([name, shape]) => [name, randn(shape, { generator }).mul(0.02)]));
  // Sites start from one state and move away from it.
  const moved = () =>
    new Map([...begin].map(([name, value]) => [name, value.add(randn(value.shape, { generator }).mul(0.01))]));
  const format = wireFormats[config.wire];
  const updates = Array.from({ length: distinct }, (_, k) => {
    const metadata = { site: `site ${k}`, round: '1', base: 'bench', plan: 'flap-sam' };
    const { coded } = send(moved(), format, new Map());
    const { bytes, length } = encodePayload(coded, format, metadata, config.compression);
    return blobs.put([bytes], length);
  });
  return { state: GlobalState.begin(label, begin).keep(blobs, 0), updates };
}

/** Writes the round into a folder. @param settings of the federation @param size of SAM @returns bytes of an update in memory */
export function writeRound(folder, settings, size) {
  mkdirSync(folder, { recursive: true });
  const config = federationSchema.parse(settings);
  const shapes = flapSam(size);
  const few = new Map(Object.entries({ lora_A: [2, 8], lora_B: [8, 2], bias: [8] }));
  const rounds = { big: keep(folder, shapes, config), small: keep(folder, few, config) };
  writeFileSync(
    join(folder, 'setup.json'),
    JSON.stringify({ label: { base: 'bench', plan: 'flap-sam', config }, ...rounds }),
  );
  return 4 * [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** A round as the coordinator closes it. @param kept one of the rounds of setup.json */
export const roundOf = ({ state, updates }, sites) => ({
  ...{ state, round: 1 },
  updates: Array.from({ length: sites }, (_, k) => ({
    ...{ site: `${k}`, weight: 1 / sites },
    blob: updates[k % updates.length],
  })),
});
