/** Predictions averaged over mirror images, for networks that were trained on mirrored slices. */
import { z } from 'zod';
import type { Tensor } from '../torch/index.js';

export const mirrorAxes = z.array(z.int().min(0).max(1));
export const mirrorText =
  'axes that slices are mirrored along when they are predicted, and the answers averaged: 0 rows, 1 columns';

/** The mean of the answers to an image and its mirrored versions. @param axes 0 rows, 1 columns, alone and together */
export function mirrored(image: Tensor, axes: readonly number[], logits: (image: Tensor) => Tensor): Tensor {
  const choices: number[][] = [[]];
  for (const axis of axes) choices.push(...choices.map((dims) => [...dims, axis + 2]));
  const answers = choices.map((dims) => (dims.length > 0 ? logits(image.flip(...dims)).flip(...dims) : logits(image)));
  return answers.reduce((a, b) => a.add(b)).div(answers.length);
}
