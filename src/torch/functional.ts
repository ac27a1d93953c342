/** PyTorch's `nn.functional`, as far as graft's networks need it. Images are [B, C, H, W]. */
import { hasOperator } from './operators.js';
import { into, one, type Tensor } from './tensor.js';

/** Of both axes, or [rows, columns]. */
export type Sides = number | readonly [number, number];

export interface ConvOptions {
  stride?: Sides;
  padding?: Sides;
  dilation?: number;
  groups?: number;
}

/** @param weight [out, in / groups, kh, kw] */
export function conv2d(input: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  return one('aten::conv2d', input, weight, bias, stride, padding, dilation, groups);
}

/** @param weight [in, out / groups, kh, kw] */
export function convTranspose2d(input: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  return one('aten::conv_transpose2d.input', input, weight, bias, stride, padding, 0, groups, dilation);
}

export interface BatchNormOptions {
  /** true: normalise by the batch's statistics and move the running ones; false: by the running ones. */
  training: boolean;
  momentum: number;
  eps: number;
}

/** @param input [B, C, …]; the other tensors [C]; the running statistics are changed in place when training */
export const batchNorm = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  { training, momentum, eps }: BatchNormOptions,
): Tensor => one('aten::batch_norm', input, weight, bias, runningMean, runningVar, training, momentum, eps, true);

export const relu = (input: Tensor): Tensor => one('aten::relu', input);
/** The same in place, where nothing else needs the input. @returns the input */
export const relu_ = (input: Tensor): Tensor => into('aten::relu_', input);
/** The exact form, with the error function. */
export const gelu = (input: Tensor): Tensor => one('aten::gelu', input);
/** exp(x) / Σ exp(x) along a dimension; the shape stays. */
export const softmax = (input: Tensor, dim: number): Tensor => one('aten::softmax.int', input, dim);

/** @param input [..., in] @param weight [out, in] @param bias [out] */
export const linear = (input: Tensor, weight: Tensor, bias?: Tensor): Tensor =>
  one('graft::linear', input, weight, bias);

/** Normalises the last dimension: weight and bias [channels]. */
export const layerNorm = (input: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor =>
  one('aten::layer_norm', input, weight.shape, weight, bias, eps);

let fusedAttention: boolean | undefined;

/**
 * Attention softmax(q·kᵀ / √d + mask)·v, by the fused operator where libtorch has it.
 *
 * @param q [B, heads, N, d]
 * @param k [B, heads, M, d]
 * @param v [B, heads, M, d]
 * @param mask added to the logits, broadcast to [B, heads, N, M]
 * @returns [B, heads, N, d]
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor {
  fusedAttention ??= hasOperator('aten::scaled_dot_product_attention');
  if (fusedAttention) return one('aten::scaled_dot_product_attention', q, k, v, mask, 0, false);
  const logits = q.mul(1 / Math.sqrt(q.shape[3])).matmul(k.transpose(-2, -1));
  return softmax(mask ? logits.add(mask) : logits, -1).matmul(v);
}

/** Bilinear up-sampling by a whole factor, corners not aligned: [B, C, H, W] -> [B, C, factor·H, factor·W]. */
export function upsampleBilinear(input: Tensor, factor: number): Tensor {
  const [, , height, width] = input.shape;
  return one('aten::upsample_bilinear2d', input, [height * factor, width * factor], false, null, null);
}

/** Mean binary cross-entropy of logits against probabilities of the same shape. */
export const binaryCrossEntropyWithLogits = (logits: Tensor, target: Tensor): Tensor =>
  one('aten::binary_cross_entropy_with_logits', logits, target, null, null, 1);

/** Joins tensors along a dimension that they have: [a, …], [b, …] -> [a + b, …]. */
export const cat = (tensors: readonly Tensor[], dim = 0): Tensor => one('aten::cat', tensors, dim);
/** Joins n tensors of one shape along a new dimension: […] -> [n, …]. */
export const stack = (tensors: readonly Tensor[], dim = 0): Tensor => one('aten::stack', tensors, dim);

/**
 * Samples an image at the places that `grid` names.
 *
 * @param grid [B, H, W, 2], (x, y) in [-1, 1], corners not aligned; outside the image the border is repeated
 */
export const gridSample = (input: Tensor, grid: Tensor): Tensor => one('aten::grid_sampler', input, grid, 0, 1, false);

/** @param theta [B, 2, 3] affine maps of (x, y, 1) in [-1, 1] @returns grid [B, H, W, 2] */
export const affineGrid = (theta: Tensor, size: readonly number[]): Tensor =>
  one('aten::affine_grid_generator', theta, size, false);
