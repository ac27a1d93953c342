/**
 * Holm's correction for several tests (Holm, "A simple sequentially rejective multiple test procedure", Scandinavian J.
 * of Statistics 6, 1979): the chance of even one false finding among them stays below the level. It asks for nothing of
 * how the tests depend on each other, and finds at least what Bonferroni's finds.
 */

/**
 * Corrects p-values for several tests (Holm, Scandinavian Journal of Statistics 6, 1979).
 *
 * @param pValues of one family of tests
 * @returns adjusted values in the same order, at most 1: a test is significant at a level when its value is below it
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = [...pValues];
  let before = 0;
  for (const [place, i] of order.entries()) {
    before = Math.max(before, Math.min(1, (pValues.length - place) * pValues[i]));
    adjusted[i] = before;
  }
  return adjusted;
}
