/** The measures agree with the numbers that the surface-distance package gives for the golden masks. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  averageSurfaceDistance,
  dice,
  robustHausdorff,
  surfaceDice,
  surfaceDistances,
} from '../../src/metrics/index.js';

type GoldenNumber = number | 'nan' | 'inf';
interface GoldenMasks {
  name: string;
  [measure: string]: GoldenNumber | string;
}
interface GoldenCase {
  kind: string;
  spacing_mm: [number, number, number];
  cases: GoldenMasks[];
  rtol: number;
}

const root = join(import.meta.dirname, '../golden');
const folders = readdirSync(root)
  .map((name) => join(root, name))
  .filter((folder) => existsSync(join(folder, 'case.json')) && readCase(folder).kind === 'metrics');

function readCase(folder: string): GoldenCase {
  return JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as GoldenCase;
}

/** The uint8 tensors of a safetensors file: a length, a JSON header with offsets, the bytes. */
function readMasks(file: string): (name: string) => { data: Uint8Array; shape: [number, number, number] } {
  const bytes = readFileSync(file);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd));
  return (name) => {
    const { data_offsets: offsets, shape } = header[name];
    return { data: new Uint8Array(bytes.subarray(headerEnd + offsets[0], headerEnd + offsets[1])), shape };
  };
}

/** Where the reference has no number, graft documents one: nothing there and nothing claimed is a perfect match. */
function documented(value: GoldenNumber, measure: string): number {
  if (value === 'inf') return Number.POSITIVE_INFINITY;
  if (value !== 'nan') return value;
  return measure.includes('dice') ? 1 : 0;
}

describe('golden masks', () => {
  it('are there', () => expect(folders).not.toHaveLength(0));
  for (const folder of folders) {
    const { spacing_mm: spacing, cases, rtol } = readCase(folder);
    const masks = readMasks(join(folder, 'tensors.safetensors'));
    it.each(cases)('$name', ({ name, ...expected }) => {
      const truth = masks(`${name}.ground_truth`);
      const prediction = masks(`${name}.prediction`);
      const distances = surfaceDistances(truth.data, prediction.data, truth.shape, spacing);
      const average = averageSurfaceDistance(distances);
      const measure = (key: string): number => {
        if (key === 'dice') return dice(truth.data, prediction.data);
        if (key === 'average_gt_to_pred') return average.truthToPrediction;
        if (key === 'average_pred_to_gt') return average.predictionToTruth;
        const [kind, at] = [key.replace(/[\d.]+$/, ''), Number(/[\d.]+$/.exec(key)![0])];
        return kind === 'hausdorff' ? robustHausdorff(distances, at) : surfaceDice(distances, at);
      };
      for (const [key, value] of Object.entries(expected)) {
        const wanted = documented(value as GoldenNumber, key);
        const found = measure(key);
        if (Number.isFinite(wanted))
          expect(Math.abs(found - wanted), `${key}: ${found}, expected ${wanted}`).toBeLessThanOrEqual(
            rtol * Math.max(Math.abs(wanted), 1e-6),
          );
        else expect(found, key).toBe(wanted);
      }
    });
  }
});
