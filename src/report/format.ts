/** Numbers as the report writes them: always the same decimals, a true minus sign, a word where there is no number. */

/** With a fixed number of decimals; '∞' for infinity and 'n/a' for NaN. */
export function fixed(value: number, digits = 3): string {
  if (Number.isNaN(value)) return 'n/a';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** The difference of two values as printed, so that a reader who subtracts them finds the same. */
export const difference = (to: number, from: number, digits = 3): number =>
  Number((Number(to.toFixed(digits)) - Number(from.toFixed(digits))).toFixed(digits));

/** A difference as text: with its sign also where it is positive. */
export const change = (to: number, from: number, digits = 3): string => {
  const by = difference(to, from, digits);
  return (by > 0 ? '+' : '') + fixed(by, digits);
};

/** A count with commas between thousands: 1,234,567. */
export const thousands = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** A count and what is counted: 1 case, 2 cases. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Bytes with the unit that fits (1 MB is 1,000,000 bytes) and three digits: 1.38 MB. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3 + 1e-9));
  return `${Number((count / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** Bytes in kB (1,000 bytes): one decimal below 100 kB, whole and with commas from there. */
export const kilobytes = (bytes: number): string =>
  bytes < 100_000 ? fixed(bytes / 1000, 1) : thousands(Math.round(bytes / 1000));

/** The text, or its beginning and an ellipsis where it is longer than `most` characters. */
export function shorten(text: string, most: number): string {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : text;
}

/** The items as in a sentence: 'a', 'a and b', 'a, b and c'. */
export const listed = (items: string[]): string =>
  items.length > 1 ? `${items.slice(0, -1).join(', ')} and ${items.at(-1)}` : (items[0] ?? '');
