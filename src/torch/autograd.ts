/** Switches around blocks of computation: recording for gradients, bfloat16 autocast. */
import { type DType, dtypeCode } from './dtype.js';
import { native } from './native.js';

/** Runs `body` without recording operations for `backward`. */
export function noGrad<T>(body: () => T): T {
  const before = native().setGradEnabled(false);
  try {
    return body();
  } finally {
    native().setGradEnabled(before);
  }
}

/** Runs matrix products and convolutions inside `body` in `dtype` (PyTorch's autocast), the rest in float32. */
export function autocast<T>(body: () => T, { device = 'cpu', dtype = 'bfloat16' as DType } = {}): T {
  const before = native().setAutocast(device, true, dtypeCode(dtype));
  try {
    return body();
  } finally {
    native().setAutocast(device, ...before);
  }
}
