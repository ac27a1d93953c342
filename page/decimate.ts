/** Fewer points that draw the same line: of every stretch of it the first, the lowest, the highest and the last. */
type Points = [x: number, y: number][];

/** @param most about how many are left */
export function decimated(points: Points, most: number): Points {
  if (points.length <= most) return points;
  const size = Math.ceil((4 * points.length) / most);
  const kept: Points = [];
  for (let from = 0; from < points.length; from += size) {
    const to = Math.min(points.length, from + size);
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (points[i]![1] < points[low]![1]) low = i;
      if (points[i]![1] > points[high]![1]) high = i;
    }
    for (const i of new Set([from, Math.min(low, high), Math.max(low, high), to - 1])) kept.push(points[i]!);
  }
  return kept;
}
