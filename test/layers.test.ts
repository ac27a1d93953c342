/** The rule of the house: folders of `src/` import downwards only, and another folder only through its `index.js`. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { networkFamilies, sizeNames } from '../src/networks/index.js';
import { root } from './child.js';

/** From the ground up; folders on one storey are listed with the neighbours they may use. */
const storeys: Record<string, readonly string[]>[] = [
  { core: [] },
  { torch: [], metrics: [], audit: [] },
  { formats: [] },
  { nn: [] },
  { data: [], peft: [] },
  { networks: [], pacs: [] },
  { segmenter: [] },
  { adapt: [], finetune: [] },
  { federate: [], compare: [], tracking: [] },
  { report: [] },
  { jobs: [] },
  { studies: [] },
  { federation: [] },
  { server: [], receiver: [], conformance: [], cli: ['server', 'receiver'] },
];
const storeyOf = (folder: string) => storeys.findIndex((storey) => folder in storey);

/** Whether one folder may import another. */
function mayUse(from: string, to: string): boolean {
  const [above, below] = [storeyOf(from), storeyOf(to)];
  return above === below ? storeys[above][from].includes(to) : above > below;
}

interface Import {
  /** The importing file, relative to `src/`. */
  file: string;
  /** The imported file, relative to `src/`. */
  target: string;
}

/** A text without its comments. */
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

/** Every relative import, export … from, dynamic import and type import of a text. */
function importsOf(file: string, text: string): Import[] {
  const pattern = /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*['"](\.[^'"]*)['"]/g;
  return [...code(text).matchAll(pattern)].map(([, path]) => ({ file, target: join(dirname(file), path) }));
}

const src = join(root, 'src');
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(src, join(entry.parentPath, entry.name)));
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(src, file), 'utf8')));

/** Golden cases are of particular networks: the folder that runs them may ask for a family's own barrel. */
const ofReference = (file: string, target: string) =>
  file.startsWith('conformance/') && /^networks\/[\w-]+\/index\.js$/.test(target);

const folderOf = (path: string) => path.split('/')[0];
/** Imports from one folder into another; `src/index.ts`, the library's door, may use every barrel. */
const crossing = imports.filter(({ file, target }) => folderOf(file) !== folderOf(target) && file.includes('/'));
const shown = ({ file, target }: Import) => `${file} -> ${target}`;

describe('src/', () => {
  it('is read whole: the test sees the imports that are known to be there', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.map(shown)).toContain('torch/native.ts -> core/index.js');
    expect(crossing.length).toBeGreaterThan(50);
    const text = `import type { A } from '../a/index.js';\nexport * from './b.js';\nconst c = await import('../../c/index.js');
      import '../d/index.js'; import {\n  E,\n} from '../e/index.js'; // from '../no/index.js'\n  // import '../no/index.js'
      /* import x from '../no/index.js' */ import fs from 'node:fs'; type F = import('../f/index.js').F;`;
    const found = importsOf('x/y.ts', text.replace("// from '../no/index.js'", '')).map(({ target }) => target);
    expect(found).toEqual(['a/index.js', 'x/b.js', '../c/index.js', 'd/index.js', 'e/index.js', 'f/index.js']);
  });

  it('has only folders that have a storey', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map(folderOf));
    expect([...folders].filter((folder) => storeyOf(folder) < 0)).toEqual([]);
  });

  it('imports downwards only', () => {
    const upwards = crossing.filter(({ file, target }) => !mayUse(folderOf(file), folderOf(target)));
    expect(upwards.map(shown)).toEqual([]);
  });

  it("imports another folder's barrel, never its inside", () => {
    const inside = imports.filter(({ file, target }) => folderOf(file) !== folderOf(target) || !file.includes('/'));
    const wrong = inside.filter(
      ({ file, target }) => target.includes('/') && !/^[a-z]+\/index\.js$/.test(target) && !ofReference(file, target),
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it('names no particular network outside its folder and the registry', () => {
    const names = [...Object.keys(networkFamilies), ...sizeNames].join('|');
    // Names of families and sizes, and of parts of their networks, as values; texts for people are not looked at.
    const particular = new RegExp(`^(${names}|(image_encoder|mask_decoder|prompt_encoder|init_path|out_path)[.\\w]*)$`);
    const outside = files.filter((file) => !/^(networks|conformance)\//.test(file));
    const found = outside.flatMap((file) =>
      [...code(readFileSync(join(src, file), 'utf8')).matchAll(/'([^'\n]*)'|"([^"\n]*)"/g)]
        .filter(([, single, double]) => particular.test(single ?? double))
        .map(([literal]) => `${file}: ${literal}`),
    );
    expect(found).toEqual([]);
    const inside = imports.filter(({ file, target }) => !file.startsWith('networks/') && /^networks\/./.test(target));
    expect(inside.filter(({ file, target }) => target !== 'networks/index.js' && !ofReference(file, target))).toEqual(
      [],
    );
    const other = imports.filter(({ file, target }) => {
      const [from, to] = [file, target].map((path) => /^networks\/([\w-]+)\//.exec(path)?.[1]);
      return from !== undefined && to !== undefined && from !== to;
    });
    expect(other.map(shown)).toEqual([]);
  });

  it('has no circles between files, types included', () => {
    const used = new Map(files.map((file) => [file, new Set<string>()]));
    for (const { file, target } of imports) used.get(file)?.add(target.replace(/\.js$/, '.ts'));
    // Takes away whatever imports nothing that is left; what cannot be taken away lies on a circle, or above one.
    for (let free = ['']; free.length > 0; ) {
      free = [...used].filter(([, targets]) => [...targets].every((target) => !used.has(target))).map(([file]) => file);
      for (const file of free) used.delete(file);
    }
    expect([...used].map(([file, targets]) => `${file} -> ${[...targets].filter((one) => used.has(one))}`)).toEqual([]);
  });

  it('imports files that are there, by the names of compiled ones', () => {
    const absent = imports.filter(({ target }) => !files.includes(target.replace(/\.js$/, '.ts')));
    expect(absent.map(shown)).toEqual([]);
  });
});

describe('the rule', () => {
  it.each([
    ['studies', 'jobs', true],
    ['adapt', 'networks', true],
    ['data', 'torch', true],
    ['conformance', 'adapt', true],
    ['torch', 'nn', false],
    ['peft', 'networks', false],
    ['networks', 'peft', true],
    ['jobs', 'studies', false],
    ['report', 'studies', false],
    ['data', 'metrics', true],
    ['adapt', 'federate', false],
    ['federate', 'finetune', true],
    ['federation', 'studies', true],
    ['studies', 'federation', false],
    ['server', 'cli', false],
    ['pacs', 'data', true],
    ['jobs', 'pacs', true],
    ['pacs', 'networks', false],
  ])('%s may import %s: %s', (from, to, allowed) => {
    expect(mayUse(from, to)).toBe(allowed);
  });
});

describe('test/', () => {
  it('has no helper with a hook at its top, which would run after the first file of a process alone', () => {
    const helpers = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => /\.m?ts$/.test(name) && !/\.test\.ts$|^setup\.ts$/.test(name),
    );
    const hooked = (name: string) =>
      /^(after|before)(All|Each)\(/m.test(readFileSync(join(root, 'test', name), 'utf8'));
    expect(helpers).toContain('every-file.ts');
    expect(helpers.filter(hooked)).toEqual([]);
  });
});
