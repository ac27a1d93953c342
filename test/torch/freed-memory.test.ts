import { describe, expect, it } from 'vitest';
import { keepFreedMemory, ones } from '../../src/torch/index.js';

/** Only glibc keeps anything. */
const glibc =
  process.platform === 'linux' && 'glibcVersionRuntime' in (process.report.getReport() as { header: object }).header;
const megabytes = 64;
const make = () => ones([megabytes * 2 ** 18]).dispose();
const resident = () => process.memoryUsage.rss() / 2 ** 20;

describe.runIf(glibc)('freed memory', () => {
  it('goes back to the system, unless it is kept, and then when nobody keeps it any more', () => {
    make();
    const before = resident();
    make();
    expect(resident() - before).toBeLessThan(megabytes / 2);
    const [outer, inner] = [keepFreedMemory(), keepFreedMemory()];
    make();
    expect(resident() - before).toBeGreaterThan(megabytes / 2);
    inner[Symbol.dispose]();
    expect(resident() - before).toBeGreaterThan(megabytes / 2);
    outer[Symbol.dispose]();
    expect(resident() - before).toBeLessThan(megabytes / 2);
    make();
    expect(resident() - before).toBeLessThan(megabytes / 2);
  });
});
