/**
 * Lines of JSON that each hold the hash of the one before: nobody changes, removes or inserts a line without breaking the
 * next one's link. What the chain alone cannot show is a change of its last line, or an end that was cut off: for that the
 * last line's hash, the head, has to be noted elsewhere.
 *
 * The hash is SHA-256 over the line's own bytes without the line break, so `tail -n 1 FILE | tr -d '\n' | sha256sum`
 * gives the head without graft.
 */
import { createHash } from 'node:crypto';

/** What the first line holds in place of a hash. */
export const origin = '0'.repeat(64);

export interface Chain<Entry> {
  /** Of the lines that are whole and linked, in their order. */
  lines: { hash: string; entry: Entry }[];
  /** Bytes of these lines with their line breaks. */
  length: number;
  /** The last whole line's hash, linked or not: what the next line has to hold. `origin` where there is none. */
  head: string;
  /** Bytes at the end that are no whole line: a write that a crash cut short. */
  torn: number;
  /** The first line, counted from 1, that does not follow from the one before. */
  broken?: { line: number; problem: string };
}

/** The line that follows, without its line break. */
export const lineOf = (previous: string, entry: object): string => JSON.stringify({ previous, ...entry });

export const hashOf = (line: Uint8Array | string): string => createHash('sha256').update(line).digest('hex');

/**
 * Reads a chain as far as it holds. A last line without a line break is whole where it can be read and is linked.
 *
 * @param isEntry whether a line holds what it should
 * @param options.after the head that the first line follows
 * @param options.check what is wrong with a line that is linked; undefined for nothing
 */
export function readChain<Entry extends object>(
  bytes: Buffer,
  isEntry: (entry: object) => entry is Entry,
  {
    after = origin,
    check = () => undefined,
  }: { after?: string; check?: (text: Buffer, entry: Entry) => string | undefined } = {},
): Chain<Entry> {
  const chain: Chain<Entry> = { lines: [], length: 0, head: after, torn: 0 };
  let start = 0;
  for (let line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    const text = bytes.subarray(start, end < 0 ? bytes.length : end);
    const parsed = parse(text, isEntry);
    const linked = parsed !== undefined && parsed.previous === chain.head;
    if (end < 0 && !linked) {
      chain.torn = text.length;
      return chain;
    }
    const problem = linked ? check(text, parsed.entry) : problemOf(parsed?.previous, chain.head);
    if (problem !== undefined) chain.broken ??= { line, problem };
    chain.head = hashOf(text);
    start = end < 0 ? bytes.length : end + 1;
    chain.length = start;
    if (!chain.broken) chain.lines.push({ hash: chain.head, entry: parsed!.entry });
  }
  return chain;
}

function parse<Entry extends object>(
  text: Buffer,
  isEntry: (entry: object) => entry is Entry,
): { previous: unknown; entry: Entry } | undefined {
  try {
    const { previous, ...entry } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
    return isEntry(entry) ? { previous, entry } : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(previous: unknown, expected: string): string {
  if (typeof previous !== 'string') return 'is not a line that graft wrote';
  if (expected === origin) return 'is not the first of a chain, though no line comes before it';
  return (
    `does not follow from the one before: it holds the hash ${previous.slice(0, 12)}…, that line has ` +
    `${expected.slice(0, 12)}…; one of them was changed, or lines between them were removed or added`
  );
}
