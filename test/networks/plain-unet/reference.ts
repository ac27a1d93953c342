/**
 * A small network that nnU-Net 2.8.1 planned and trained in two dimensions, two scans, and what its own predictor makes of
 * them (with sums in float32 in place of float16). `coarse` has other pixels than the plans, so it is resampled on the way in and back.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '../../../src/formats/index.js';
import { fromBytes, type Tensor } from '../../../src/torch/index.js';
import { root } from '../../child.js';
import { newFolder } from '../../new-folder.js';

const here = join(root, 'test/networks/plain-unet');
export const folder = join(here, 'model');
export const checkpoint = join(folder, 'fold_0/checkpoint_final.pth');
export const scan = (name: string) => join(here, `${name}.nii.gz`);
export const segmentation = (name: string) => join(here, `${name}-segmentation.nii.gz`);

const { tensors } = readSafetensors(join(here, 'reference.safetensors'));

/** A tensor that the reference holds, as float32. */
export function reference(name: string): Tensor {
  const { data, dtype, shape } = tensors.get(name)!;
  return fromBytes(data, dtype, shape).to('float32');
}

// biome-ignore lint/suspicious/noExplicitAny: another program's files, changed at will
export type Json = Record<string, any>;

/** A copy of the folder whose plans, or description of the data set, were changed. */
export function changed(file: 'plans.json' | 'dataset.json', change: (content: Json) => void): string {
  const copy = join(newFolder(), 'model');
  cpSync(folder, copy, { recursive: true });
  const content = JSON.parse(readFileSync(join(copy, file), 'utf8'));
  change(content);
  writeFileSync(join(copy, file), JSON.stringify(content));
  return copy;
}
