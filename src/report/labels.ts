/** Labels of a slice as text: run lengths, each followed by its label, in base 36. Structures are few and in one piece. */

/** @param labels uint8 [height, width] */
export function packLabels(labels: Uint8Array): string {
  const runs: string[] = [];
  for (let from = 0, i = 1; i <= labels.length; i++) {
    if (i < labels.length && labels[i] === labels[from]) continue;
    runs.push((i - from).toString(36), labels[from].toString(36));
    from = i;
  }
  return runs.join(' ');
}

/** What `packLabels` packed; what goes beyond the size is left out. */
export function unpackLabels(packed: string, size: number): Uint8Array {
  const labels = new Uint8Array(size);
  let at = 0;
  for (const [length, label] of runsOf(packed)) {
    labels.fill(label, at, at + length);
    at += length;
  }
  return labels;
}

/** Whether nothing is labelled. */
export const isEmpty = (packed: string): boolean => runsOf(packed).every(([, label]) => label === 0);

function runsOf(packed: string): [length: number, label: number][] {
  const values = packed.split(' ').map((word) => Number.parseInt(word, 36));
  return Array.from({ length: values.length >> 1 }, (_, i) => [values[2 * i], values[2 * i + 1]]);
}
