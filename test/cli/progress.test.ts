import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ProgressEvent, ProgressView } from '../../src/cli/progress.js';

// As a terminal answers, from NO_COLOR and TERM.
const { getColorDepth } = WriteStream.prototype;

/** Everything written, with a clock that the test moves. */
function view({ isTTY = false, columns = 80 } = {}) {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY, columns, getColorDepth });
  let now = 0;
  const shown = new ProgressView(stream, () => now);
  return {
    text: () => (stream.read() as string | null) ?? '',
    at(milliseconds: number, ...events: ProgressEvent[]) {
      now = milliseconds;
      for (const event of events) shown.show(event);
    },
    close: () => shown.close(),
  };
}
const step = (done: number, total: number, loss = 0.25): ProgressEvent => ({
  kind: 'step',
  done,
  total,
  values: { loss },
});
const task: ProgressEvent = { kind: 'task', name: 'training', total: 100 };

afterEach(() => vi.unstubAllEnvs());

describe('what a terminal would obey', () => {
  const evil = 'a\x1b[2K\rb\nc\x9bm';
  it.each([false, true])('is shown as spaces, on a terminal: %s', (isTTY) => {
    const { at, text } = view({ isTTY });
    at(0, { kind: 'task', name: evil }, { kind: 'note', text: evil }, { kind: 'done', name: evil });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what the view writes itself
    const own = /\r\x1b\[K|\x1b\[\d+m|\n/g;
    const shown = text();
    expect(shown.replace(own, '')).not.toMatch(/\p{Cc}/u);
    expect(shown.split('\n').length - 1).toBe(isTTY ? 2 : 3);
  });
});

describe('progress in a log', () => {
  it('is a line at the start, every ten seconds and at the end', () => {
    const { at, text } = view();
    at(0, task);
    for (let i = 1; i <= 100; i++) at(250 * i, step(i, 100));
    at(25_000, { kind: 'done', name: 'training', values: { dice: 0.912345 } });
    expect(text()).toBe(
      [
        'training: 100 steps',
        'training 40 %  40/100  0:15 left  loss 0.2500',
        'training 80 %  80/100  0:05 left  loss 0.2500',
        'training: done in 0:25, dice 0.9123',
        '',
      ].join('\n'),
    );
  });

  it('estimates the time left without the slow first step', () => {
    const { at, text } = view();
    at(0, task);
    at(60_000, step(1, 100));
    for (let i = 2; i <= 20; i++) at(60_000 + 1000 * (i - 1), step(i, 100));
    // One second a step since the first: 89 steps are left after 11.
    expect(text()).toContain('11/100  1:29 left');
  });

  it('estimates from the steps of this process when a run is resumed', () => {
    const { at, text } = view();
    at(0, task, step(50, 100));
    at(10_000, step(60, 100));
    expect(text()).toContain('60/100  0:40 left');
  });
});

describe('progress on a terminal', () => {
  it('is one line that is rewritten, never wider than the terminal, and gone at the end', () => {
    const { at, text, close } = view({ isTTY: true, columns: 64 });
    at(0, task);
    at(1000, step(25, 100));
    at(1050, step(26, 100));
    at(2000, step(50, 100));
    const shown = text();
    expect(shown).not.toContain('\n');
    expect(shown).not.toContain('26/100');
    const lines = shown.split('\r\x1b[K').slice(1);
    expect(lines.at(-1)).toMatch(/^training \[#{10}-{10}\] 50 % {2}50\/100 {2}0:02 left {2}loss 0$/);
    for (const line of lines) expect(line.length).toBeLessThan(64);
    close();
    expect(text()).toBe('\r\x1b[K');
  });

  it('keeps notes and what is done above the line', () => {
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('NO_COLOR', '1');
    const { at, text, close } = view({ isTTY: true });
    at(0, task, { kind: 'note', text: 'early stop' }, { kind: 'done', name: 'training' });
    expect(text()).toBe('\r\x1b[Ktraining …\r\x1b[Kearly stop\ntraining: done in 0:00\n');
    close();
    expect(text()).toBe('');
  });

  it('is coloured where FORCE_COLOR asks for it', () => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('FORCE_COLOR', '1');
    const { at, text } = view();
    at(0, { kind: 'done', name: 'training' });
    expect(text()).toBe('\x1b[32mtraining\x1b[39m: done\n');
  });
});
