/** FLAP-SAM's learning rate: it rises linearly over the first iterations and then falls by a power. */

export interface Schedule {
  /** The highest rate. */
  lr: number;
  /** Iterations until it is reached. */
  warmup: number;
  /** Iterations after the warm-up until the rate would be zero. */
  horizon: number;
  power: number;
}

/** @param iteration from 0 */
export function learningRate(iteration: number, { lr, warmup, horizon, power }: Schedule): number {
  if (iteration < warmup) return (lr * (iteration + 1)) / warmup;
  return lr * Math.max(0, 1 - (iteration - warmup) / horizon) ** power;
}
