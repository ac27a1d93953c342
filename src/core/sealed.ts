/**
 * JSON and lines of text that tell whether they are what was written: each carries a digest of what it says. What other
 * programs and earlier versions wrote has none and is not checked.
 */
import { createHash } from 'node:crypto';

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

/** Of all but the time that something took: equal results have equal digests. */
function digestOf(value: object): string {
  const { seconds: _, ...rest } = value as { seconds?: unknown };
  return digest(JSON.stringify(rest));
}

/** The value as JSON, with the SHA-256 of its shortest text, but for a key `seconds`, as the last key. */
export const sealedJson = (value: object): string =>
  `${JSON.stringify({ ...value, sha256: digestOf(value) }, null, 1)}\n`;

/** What `sealedJson` wrote. @throws Error that says why the text is not that */
export function unsealedJson<T extends object>(text: string): T {
  const parsed: unknown = text === '' ? undefined : JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new Error(text === '' ? 'it is empty' : 'it holds no object');
  if (!('sha256' in parsed)) return parsed as T;
  const { sha256, ...value } = parsed;
  if (sha256 !== digestOf(value)) throw new Error('its content is not what was written');
  return value as T;
}

/** A record as one line of JSON, with the beginning of its SHA-256 as the last key. */
export const sealedLine = (record: object): string =>
  `${JSON.stringify({ ...record, check: digest(JSON.stringify(record)).slice(0, 8) })}\n`;

/** What `sealedLine` wrote, without the line's end; undefined where it is damaged. */
export function unsealedLine<T extends object>(line: string): T | undefined {
  try {
    const { check, ...record } = JSON.parse(line) as { check?: unknown };
    return check === undefined || check === digest(JSON.stringify(record)).slice(0, 8) ? (record as T) : undefined;
  } catch {
    return undefined;
  }
}

const mark = /^# sha256 ([0-9a-f]{64})\n$/m;

/** A text in which `#` begins a comment, such as YAML, with its SHA-256 as the last line. */
export const sealedText = (text: string): string => `${text}# sha256 ${digest(text)}\n`;

/** Whether the text has a last line of that kind. */
export const isMarked = (text: string): boolean => mark.test(text);

/** Whether a text with such a line is what `sealedText` wrote; true also where it has none. */
export function isWhole(text: string): boolean {
  const found = mark.exec(text);
  return !found || digest(text.slice(0, found.index)) === found[1];
}
