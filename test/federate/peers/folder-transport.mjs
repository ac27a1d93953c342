/**
 * A transport between processes: files in a folder that all of them see, looked at again and again. Plain JavaScript, as the
 * programs of docs/library.md import it. The environment says where the folder is, and after how many messages the process
 * kills itself.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const { SHARED_FOLDER: folder, MESSAGES = 'Infinity' } = process.env;
for (const part of ['blobs', 'states', 'tasks']) mkdirSync(join(folder, part), { recursive: true });

let left = Number(MESSAGES);
/** Called after every message in either direction. */
function count() {
  left--;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}

function write(name, bytes) {
  const file = join(folder, name);
  const temporary = join(folder, `${process.pid}.tmp`);
  writeFileSync(temporary, bytes);
  renameSync(temporary, file);
  count();
}

/** What `look` finds by name, and again whenever it has changed. */
async function* changes(look, signal) {
  const seen = new Map();
  while (!signal.aborted) {
    for (const [name, bytes] of look()) {
      if (seen.get(name)?.equals(bytes)) continue;
      seen.set(name, bytes);
      count();
      yield { name, bytes };
    }
    await setTimeout(20, undefined, { signal }).catch(() => {});
  }
}

const filesIn = (part) => readdirSync(join(folder, part)).map((name) => [name, readFileSync(join(folder, part, name))]);

/** @type {import('../../../src/federate/index.js').Transport} */
export const transport = {
  publishTask: async (task) => write('tasks/last', task),
  async *watchTasks(signal) {
    for await (const { bytes } of changes(() => filesIn('tasks'), signal)) yield bytes;
  },
  async putBlob(bytes) {
    const hash = createHash('sha256').update(bytes).digest('hex');
    write(`blobs/${hash}`, bytes);
    return hash;
  },
  async getBlob(hash) {
    const bytes = readFileSync(join(folder, 'blobs', hash));
    count();
    return bytes;
  },
  updateState: async (site, state) => write(`states/${site}`, state),
  async *presence(signal) {
    for await (const { name, bytes } of changes(() => filesIn('states'), signal)) yield { site: name, state: bytes };
  },
};
