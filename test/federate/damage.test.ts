/** What the coordinator or a site goes on from is checked as a whole: a damaged, lost or older file is named. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { damageOf } from '../../src/federate/index.js';
import { damages, filesBelow } from '../damage.js';
import { configOf, newFolder, of, regression, run } from './small.js';

const config = configOf({ rounds: 3, aggregation: 'product-svd', wire: 'int8', seed: 3 });
let stopped: string;
let expected: string;

/** Runs three rounds, or until the second one’s first update was accepted. */
async function start(folder: string, whole: boolean): Promise<string | undefined> {
  const end = new AbortController();
  let accepted = 0;
  const from = regression();
  const options = whole ? {} : { signal: end.signal };
  const sites = from.sites.map(({ name, trainer }) => ({
    name,
    trainer: Object.assign(Object.create(trainer) as typeof trainer, {
      async *train(...given: Parameters<typeof trainer.train>) {
        if (!whole && given[0].round === 2 && accepted++ === 1) end.abort();
        return yield* trainer.train(...given);
      },
    }),
  }));
  const events = await run(folder, config, { regression: { ...from, sites }, ...options });
  return of(events, 'finished')[0]?.fingerprint;
}

beforeAll(async () => {
  expected = (await start(newFolder(), true))!;
  stopped = newFolder();
  expect(await start(stopped, false)).toBeUndefined();
});

describe('a federation that was stopped in its second round', () => {
  it('goes on to the same state where nothing is damaged', async () => {
    const folder = newFolder();
    cpSync(stopped, folder, { recursive: true });
    expect(damageOf(folder)).toBeUndefined();
    expect(await start(folder, true)).toBe(expected);
  });

  const kinds = [/ledger\.jsonl$/, /coordinator\/blobs\//, /state\.safetensors$/, /key\.pem$/];
  it.each(damages.flatMap((damage) => kinds.map((kind) => ({ damage, kind, name: damage.name }))))(
    'is not gone on with unnoticed where $kind was $name; what the hint says gives the same bits',
    async ({ damage, kind }) => {
      const folder = newFolder();
      cpSync(stopped, folder, { recursive: true });
      const file = filesBelow(folder).find((name) => kind.test(name))!;
      damage.do(join(folder, file));
      const error = await start(folder, true).then(
        (print) => expect(print, 'what is not noticed must do no harm').toBe(expected),
        (reason: unknown) => reason,
      );
      if (error === undefined) return expect(kind.source).toContain('ledger'); // whose last line a crash may cut, too
      expect(error).toBeInstanceOf(GraftError);
      const { code, message, hint } = error as GraftError;
      expect({ code, hint }).toEqual({ code: 'FEDERATION_DAMAGED', hint: expect.stringContaining(`delete ${folder}`) });
      expect(message).toContain(folder);
      if (!kind.source.includes('ledger')) expect(message).toContain(file);
      rmSync(folder, { recursive: true });
      expect(await start(folder, true)).toBe(expected);
    },
  );
});
