/** A file that is mapped into memory and becomes shorter: an error that names it, not the end of the process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compiled, runModule } from '../child.js';

const folder = mkdtempSync(join(tmpdir(), 'graft-mapped-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a model file that is cut while it is read', () => {
  it('fails by an error that names the file, once, and what was read before stays', () => {
    const file = join(folder, 'model.safetensors');
    const { code, message, before, after, other } = runModule<Record<string, unknown>>(
      `import { truncateSync } from 'node:fs';
       import { readState, writeState } from '${compiled('nn/index.js')}';
       import { ones } from '${compiled('torch/index.js')}';
       writeState('${file}', new Map([['a', ones([100])], ['b', ones([100_000])]]));
       const { state } = readState('${file}');
       const before = state.get('a').sum().item();
       truncateSync('${file}', 4096);
       let error;
       try { state.get('b').sum(); } catch (thrown) { error = thrown; }
       const other = ones([3]).sum().item();
       console.log(JSON.stringify({ code: error?.code, message: error?.message, before, after: state.get('a').sum().item(), other }));`,
    );
    expect({ code, before, after, other }).toEqual({ code: 'FILE_SHRANK', before: 100, after: 100, other: 3 });
    expect(message).toContain(file);
  });

  it('fails likewise where its bytes are copied, and in a worker thread', () => {
    const file = join(folder, 'other.safetensors');
    const { code, exit } = runModule<Record<string, unknown>>(
      `import { truncateSync } from 'node:fs';
       import { Worker } from 'node:worker_threads';
       import { writeState } from '${compiled('nn/index.js')}';
       import { ones } from '${compiled('torch/index.js')}';
       writeState('${file}', new Map([['b', ones([100_000])]]));
       const source = \`
         import { truncateSync } from 'node:fs';
         import { parentPort } from 'node:worker_threads';
         import { readState } from '${compiled('nn/index.js')}';
         const { state } = readState('${file}');
         truncateSync('${file}', 4096);
         try { state.get('b').toBytes(); } catch (error) { parentPort.postMessage(error.code); }
       \`;
       const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source)));
       let code;
       worker.on('message', (value) => { code = value; });
       worker.on('exit', (exit) => console.log(JSON.stringify({ code, exit })));`,
    );
    expect({ code, exit }).toEqual({ code: 'FILE_SHRANK', exit: 0 });
  });
});
