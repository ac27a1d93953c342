/** The benchmarks: each imports what the compiled package has. What they measure is seen by running them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compiled, root } from './child.js';

const folder = join(root, 'bench');
const benches = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.mjs'));

it.each(benches)('%s imports what is there', async (bench) => {
  const text = readFileSync(join(folder, bench), 'utf8');
  const imports = [...text.matchAll(/^import \{([^}]*)\} from '(?:\.\.\/)+dist\/([^']+)';/gm)];
  // Helpers of the benchmarks import each other alone.
  if (!bench.includes('/') && bench !== 'harness.mjs') expect(imports).not.toEqual([]);
  for (const [, list, file] of imports) {
    const module: object = await import(compiled(file));
    expect([file, (list.match(/\w+/g) ?? []).filter((name) => !(name in module))]).toEqual([file, []]);
  }
});
