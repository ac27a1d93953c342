/**
 * The standard normal distribution: probabilities and their inverse, to about 15 digits.
 *
 * Near the middle by the Taylor series of Marsaglia ("Evaluating the normal distribution", J. Stat. Software 11, 2004),
 * in the tails by Laplace's continued fraction, which keeps small probabilities exact.
 */

/** The probability of a value above `z`. */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (density === 0) return 0;
  if (z < 3) {
    let [sum, term] = [z, z];
    for (let odd = 3; term > 1e-17 * sum; odd += 2) {
      term *= (z * z) / odd;
      sum += term;
    }
    return 0.5 - density * sum;
  }
  let fraction = z;
  for (let k = 120; k > 0; k--) fraction = z + k / fraction;
  return density / fraction;
}

/** The probability of a value below `z`. */
export const normalCdf = (z: number): number => normalTail(-z);

/** The value below which a share of the distribution lies. @param share 0 to 1; the ends give -Infinity and Infinity */
export function normalQuantile(share: number): number {
  if (share <= 0) return Number.NEGATIVE_INFINITY;
  if (share >= 1) return Number.POSITIVE_INFINITY;
  let [low, high] = [-39, 39];
  // Halved until the two are neighbours.
  for (let middle = 0; middle !== low && middle !== high; middle = (low + high) / 2)
    if (normalCdf(middle) < share) low = middle;
    else high = middle;
  return (low + high) / 2;
}
