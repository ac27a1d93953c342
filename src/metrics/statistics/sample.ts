/** Mean, deviation and quantiles of a sample. */

/** The arithmetic mean; NaN of nothing. */
export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The sample standard deviation (n - 1); NaN of fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const centre = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/**
 * The value below which a share of the sample lies, interpolated between neighbours (type 7 of Hyndman & Fan, "Sample
 * quantiles in statistical packages", Am. Statistician 50, 1996: the default of NumPy and R); NaN of nothing.
 *
 * @param share 0 (the least) to 1 (the greatest)
 */
export const quantile = (values: readonly number[], share: number): number =>
  quantileOfSorted(Float64Array.from(values).sort(), share);

/** As `quantile`, of values in rising order. */
export function quantileOfSorted(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  // Infinity minus Infinity is not a number.
  return below === above ? below : below + (place % 1) * (above - below);
}

/** The middle value, or the mean of the two middle ones. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);
