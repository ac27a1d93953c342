/** Damaging files, and watching runs within the test's own process. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { GraftError, ProgressEvent } from '../src/core/index.js';
import { encodeSafetensors, readSafetensors } from '../src/formats/index.js';

export const damages: { name: string; do: (file: string) => void }[] = [
  { name: 'cut short', do: (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2)) },
  {
    name: 'flipped in a bit',
    do: (file) => {
      const bytes = readFileSync(file);
      bytes[Math.floor(bytes.length * 0.6)] ^= 1;
      writeFileSync(file, bytes);
    },
  },
  { name: 'emptied', do: (file) => truncateSync(file, 0) },
  { name: 'deleted', do: (file) => rmSync(file) },
];

/** Paths of all files below a folder. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

/** Files below a folder whose text contains the path. */
export const pathsIn = (folder: string, path: string): string[] =>
  filesBelow(folder).filter((name) => readFileSync(join(folder, name), 'latin1').includes(path));

export interface Outcome {
  error: GraftError | undefined;
  notes: string[];
  /** How many steps of training and the like were told. */
  steps: number;
}

/** Runs to the end, or to the moment, at which the run is ended as by Ctrl-C. */
export async function watch(
  events: AsyncGenerator<ProgressEvent, unknown>,
  moment?: { task: RegExp; step: number },
): Promise<Outcome> {
  const notes: string[] = [];
  let [task, steps] = ['', 0];
  try {
    for await (const event of events) {
      if (event.kind === 'task') task = event.name;
      if (event.kind === 'step') steps++;
      if (event.kind === 'note') notes.push(event.text);
      if (moment && event.kind === 'step' && moment.task.test(task) && event.done >= moment.step) break;
    }
    return { error: undefined, notes, steps };
  } catch (error) {
    return { error: error as GraftError, notes, steps };
  }
}

/** Takes every digest out of a finished run, as if the version before had written it. */
export function withoutDigests(run: string): void {
  const hash = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(run, file)))
      .digest('hex');
  const files = filesBelow(run);
  for (const file of files.filter((name) => name.endsWith('.safetensors'))) {
    const { tensors, metadata } = readSafetensors(join(run, file));
    writeFileSync(join(run, file), Buffer.concat(encodeSafetensors(tensors, metadata)));
  }
  const edit = (file: string, change: (text: string) => string) =>
    writeFileSync(join(run, file), change(readFileSync(join(run, file), 'utf8')));
  edit('recipe.yaml', (text) => text.replace(/# sha256.*\n/, ''));
  edit('metrics.jsonl', (text) => text.replaceAll(/,"check":"[0-9a-f]+"/g, ''));
  for (const file of files.filter((name) => /(^results\/.*|run|phantoms)\.json$/.test(name)))
    edit(file, (text) => {
      const { sha256: _, recipe: __, files: ___, ...value } = JSON.parse(text);
      for (const record of [value.model, value.adapter, ...(value.adapters ?? [])])
        if (record?.sha256) record.sha256 = hash(record.file);
      return JSON.stringify(value, null, 1);
    });
}
