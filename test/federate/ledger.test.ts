/** The ledger: what was recorded is there after any crash, and what was changed later is not taken for truth. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Entry, Ledger, readLedger } from '../../src/federate/index.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-ledger-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entries: Entry[] = [
  { kind: 'registered', site: 'a', key: 'k', slices: 12, cases: 3 },
  { kind: 'published', round: 1, chosen: ['a', 'b', 'ü "quoted"\n'] },
  { kind: 'refused', round: 1, site: 'b', reason: 'its norm is 1e300', down: 10, up: 20 },
  { kind: 'closed', round: 1, weights: { a: 1 / 3, '2': 0.1 + 0.2 }, missing: [] },
];
const file = join(folder, 'ledger.jsonl');
{
  using ledger = new Ledger(file);
  for (const entry of entries) ledger.append(entry);
}
const whole = readFileSync(file);

/** Opens a copy of the ledger that was changed. */
function opened(change: (path: string) => void): readonly Entry[] {
  const path = join(folder, 'copy.jsonl');
  writeFileSync(path, whole);
  change(path);
  using ledger = new Ledger(path);
  return ledger.entries;
}

describe('a ledger', () => {
  it('gives back what was recorded, one JSON line each', () => {
    expect(readLedger(file)).toEqual(entries);
    for (const line of whole.toString().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('entry');
  });

  it('cut at any byte holds the entries of the whole lines, and goes on from there', () => {
    const path = join(folder, 'cut.jsonl');
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const lines = whole.subarray(0, length).toString().split('\n').length - 1;
      expect(readLedger(path)).toEqual(entries.slice(0, lines));
      if (length % 23 > 0) continue; // the disk is slow
      {
        using ledger = new Ledger(path);
        expect(ledger.entries).toEqual(entries.slice(0, lines));
        ledger.append({ kind: 'late', round: 1, site: 'c', down: 0, up: 1 });
      }
      expect(readLedger(path)).toEqual([...entries.slice(0, lines), expect.objectContaining({ kind: 'late' })]);
    }
  });

  it('drops a last line that was not written whole, whatever stands there instead', () => {
    expect(opened((path) => appendFileSync(path, '{"check":"0","entry":{}}\n'))).toEqual(entries);
    expect(opened((path) => appendFileSync(path, Buffer.alloc(500)))).toEqual(entries);
  });

  it('that was changed before its last line is refused, naming the line', () => {
    const text = whole.toString();
    const changed = text.replace('"slices":12', '"slices":13');
    expect(() => opened((path) => writeFileSync(path, changed))).toThrow(
      expect.objectContaining({ code: 'LEDGER_DAMAGED', message: expect.stringContaining('line 1') }),
    );
    const lines = text.split('\n');
    const without = [lines[0], ...lines.slice(2)].join('\n');
    expect(() => opened((path) => writeFileSync(path, without))).toThrow(
      expect.objectContaining({ code: 'LEDGER_DAMAGED' }),
    );
  });

  it('that is empty is a new one', () => {
    expect(opened((path) => truncateSync(path, 0))).toEqual([]);
  });
});
