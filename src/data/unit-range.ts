/** Intensities of any scale as random changes expect them. */
import { operator, type Tensor } from '../torch/index.js';

const amin = operator('aten::amin') as (x: Tensor, dim: number[], keepdim: boolean) => Tensor;
const amax = operator('aten::amax') as (x: Tensor, dim: number[], keepdim: boolean) => Tensor;

/**
 * Brings intensities to [0, 1], and changed ones back to their own scale. Only what leaves that range is moved, by its own least
 * and greatest value, such as z-scores; intensities within [0, 1] stay as they are, to the bit.
 *
 * @param images float32 [B, D, h, w]; each of B has a scale of its own
 */
export function toUnitRange(images: Tensor): { images: Tensor; back: (changed: Tensor) => Tensor } {
  const low = amin(images, [1, 2, 3], true).clamp(null, 0);
  const span = amax(images, [1, 2, 3], true).clamp(1, null).sub(low);
  return { images: images.sub(low).div(span), back: (changed) => changed.mul(span).add(low) };
}
