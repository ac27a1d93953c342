/** Square windows of tokens, for attention that stays inside them. Tokens are [B, h, w, C]. */
import { operator, type Tensor } from '../../torch/index.js';

const pad = operator('aten::constant_pad_nd');

/**
 * Cuts the tokens into windows; where the size does not divide, zeros are added below and on the right.
 *
 * @returns [B · windows, size, size, C]
 */
export function intoWindows(tokens: Tensor, size: number): Tensor {
  const [batch, height, width, channels] = tokens.shape;
  const [rows, columns] = [Math.ceil(height / size), Math.ceil(width / size)];
  const [below, right] = [rows * size - height, columns * size - width];
  const padded = below + right > 0 ? (pad(tokens, [0, 0, 0, right, 0, below], 0) as Tensor) : tokens;
  return padded
    .reshape(batch, rows, size, columns, size, channels)
    .permute(0, 1, 3, 2, 4, 5) // [B, rows, columns, size, size, C]
    .reshape(-1, size, size, channels);
}

/** Puts windows together again and cuts off what was added: [B · windows, size, size, C] -> [B, height, width, C]. */
export function fromWindows(windows: Tensor, height: number, width: number): Tensor {
  const [, size, , channels] = windows.shape;
  const [rows, columns] = [Math.ceil(height / size), Math.ceil(width / size)];
  return windows
    .reshape(-1, rows, columns, size, size, channels)
    .permute(0, 1, 3, 2, 4, 5) // [B, rows, size, columns, size, C]
    .reshape(-1, rows * size, columns * size, channels)
    .narrow(1, 0, height)
    .narrow(2, 0, width); // [B, height, width, C]
}
