/** Axes with round ticks, shared by the charts. */

export interface Axis {
  low: number;
  high: number;
  ticks: number[];
  /** A tick or value of the axis as text. */
  label(value: number): string;
  /** Where a value lies between `low` (0) and `high` (1). */
  position(value: number): number;
}

export interface AxisOptions {
  /** About how many ticks are wanted. */
  count?: number;
  /** The axis ends at the data (ticks lie inside) instead of at the next tick. */
  tight?: boolean;
  /** The smallest distance of two ticks: 1 where only whole numbers have a meaning. */
  smallestStep?: number;
}

/** An axis over the finite values, with ticks at multiples of 1, 2 or 5 times a power of ten. */
export function axisOver(values: number[], { count = 5, tight = false, smallestStep = 0 }: AxisOptions = {}): Axis {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values.filter(Number.isFinite)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) [low, high] = [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  const zero = size < 1e-15;
  if (zero || high - low <= 1e-9 * size) {
    // Equal but for rounding.
    const margin = zero ? 1 : Math.max(smallestStep, size / 10);
    [low, high] = [low - margin, high + margin];
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(smallestStep, power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10));
  const slack = 1e-9; // rounding may not cost or add a tick
  const first = tight ? Math.ceil(low / step - slack) : Math.floor(low / step + slack);
  const last = tight ? Math.floor(high / step + slack) : Math.ceil(high / step - slack);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  if (!tight) [low, high] = [first * step, last * step];
  return {
    low,
    high,
    ticks,
    label: labels(step, Math.max(Math.abs(low), Math.abs(high))),
    position: (value) => (value - low) / (high - low),
  };
}

/** A logarithmic axis over positive values, with ticks at 1, 2 and 5 times powers of ten, or at powers alone. */
export function logAxisOver(values: number[], label: (value: number) => string): Axis {
  const positive = values.filter((value) => Number.isFinite(value) && value > 0);
  const [least, greatest] = positive.length > 0 ? [Math.min(...positive), Math.max(...positive)] : [1, 10];
  const [low, high] = [least / 1.15, greatest * 1.15];
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(low)) + i),
  );
  const factors = Math.log10(high / low) > 3 ? [1] : Math.log10(high / low) > 1.5 ? [1, 3] : [1, 2, 5];
  const ticks = powers
    .flatMap((power) => factors.map((factor) => factor * power))
    .filter((tick) => tick >= low && tick <= high);
  return { low, high, ticks, label, position: (value) => Math.log(value / low) / Math.log(high / low) };
}

/** Plain numbers with the decimals that the step needs; powers of ten where those would be long. */
function labels(step: number, largest: number): (value: number) => string {
  const plain = step >= 1e-4 && largest < 1e7;
  const exponent = plain ? 0 : Math.floor(Math.log10(largest) + 1e-9);
  const decimals = Math.max(0, exponent - Math.floor(Math.log10(step) + 1e-9));
  const power = [...String(exponent)].map((character) => superscripts[character]).join('');
  return (value) => {
    const digits = (value / 10 ** exponent)
      .toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
      .replace('-', '−');
    if (plain) return digits;
    return value === 0 ? '0' : `${digits} × 10${power}`;
  };
}

const superscripts: Record<string, string> = {
  '-': '⁻',
  ...Object.fromEntries([...'⁰¹²³⁴⁵⁶⁷⁸⁹'].map((s, i) => [i, s])),
};
