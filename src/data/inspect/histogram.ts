/** Histograms of voxels, small enough to keep one of every case, and the histogram of many cases together. */

export interface Histogram {
  /** Where the first bin begins and the last one ends. */
  low: number;
  high: number;
  /** Shares of the voxels between the two, all bins together 1; all 0 where there is no voxel. */
  shares: number[];
}

const fine = 128;

/** @param data all finite; voxels outside [low, high] are not counted */
export function histogramOf(data: Float32Array, low: number, high: number): Histogram {
  const counts = new Float64Array(fine);
  const scale = fine / (high - low || 1);
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value >= low && value <= high) counts[Math.min(fine - 1, Math.floor((value - low) * scale))]++;
  }
  return { low, high, shares: shared(counts) };
}

/**
 * Brings histograms to common bins over the range of all; each counts the same, however many voxels it is of. A bin
 * goes where its middle lies.
 */
export function joinHistograms(histograms: readonly Histogram[], bins: number): Histogram {
  const low = histograms.reduce((least, one) => Math.min(least, one.low), Number.POSITIVE_INFINITY);
  const high = histograms.reduce((greatest, one) => Math.max(greatest, one.high), Number.NEGATIVE_INFINITY);
  const counts = new Float64Array(bins);
  for (const one of histograms) {
    const width = (one.high - one.low) / one.shares.length;
    one.shares.forEach((share, i) => {
      const middle = one.low + (i + 0.5) * width;
      counts[Math.min(bins - 1, Math.floor(((middle - low) / (high - low || 1)) * bins))] += share;
    });
  }
  return { low, high, shares: shared(counts) };
}

function shared(counts: Float64Array): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Array.from(counts, (count) => (total === 0 ? 0 : count / total));
}
