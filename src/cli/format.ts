/** How numbers look in what people read. */

/** `2,434,771` */
export const count = (value: number): string => value.toLocaleString('en-US');

/** A share of one as a percentage: `0.162 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;

/** Decimal units, as disks and networks are sold: `41.2 kB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${(value / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Seconds as `0:07`, `12:30` or `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A sentence in lines of at most `width` characters, parted between words. */
export function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

/** A measured value, such as a loss, in about four digits. */
export function measured(value: number): string {
  if (Number.isInteger(value)) return count(value);
  const size = Math.abs(value);
  return size >= 0.001 && size < 1000 ? value.toFixed(4) : value.toExponential(2);
}
