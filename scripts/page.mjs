// Bundles page/, the browser's program, into dist/page, with the licences of the packages in it. Bundling is left out where nothing that went in has changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** What went in when it was bundled last, with digests. */
const list = 'inputs.json';
/** What decides how and with what the program is made. */
const always = ['page/vite.config.ts', 'package-lock.json', 'scripts/page.mjs'];

/** @param {string} file */
const digest = (file) => (existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : 'missing');

/** @param {string} folder of an earlier bundle */
export function isCurrent(folder) {
  const file = join(folder, list);
  if (!existsSync(file)) return false;
  return Object.entries(JSON.parse(readFileSync(file, 'utf8'))).every(([name, known]) => digest(name) === known);
}

/** What a package in the bundle asks to be handed on with it. @param {string} name */
function licenceOf(name) {
  const place = join('node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  const file = readdirSync(place).find((one) => /^licen[cs]e/i.test(one));
  return `${name} ${version}: ${license}\n${file ? `\n${readFileSync(join(place, file), 'utf8')}` : ''}`;
}

/** @param {string} folder for the bundle */
export async function bundlePage(folder) {
  const { build } = await import('vite');
  /** A file of ours, and the one that its folder leaves by. @param {string} id */
  const add = (id) => {
    for (const file of [id, join(dirname(id), 'index.ts')]) {
      const name = relative(process.cwd(), file);
      if (/^(page|src)\//.test(name) && existsSync(name)) inputs.add(name);
    }
  };
  const inputs = new Set(always);
  /** @type {Set<string>} */
  const packages = new Set();
  await build({
    configFile: 'page/vite.config.ts',
    build: { outDir: join(process.cwd(), folder), emptyOutDir: true },
    plugins: [
      {
        name: 'inputs',
        generateBundle(_, files) {
          for (const file of Object.values(files)) {
            if (file.type !== 'chunk') continue;
            for (const id of Object.keys(file.modules)) {
              const packaged = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
              // Packages change with the lock file alone.
              if (packaged) packages.add(packaged);
              else add(id);
            }
          }
        },
      },
    ],
  });
  const digests = Object.fromEntries([...inputs].sort().map((name) => [name, digest(name)]));
  writeFileSync(join(folder, 'licences.txt'), [...packages].sort().map(licenceOf).join('\n\n'));
  writeFileSync(join(folder, list), `${JSON.stringify(digests, null, 1)}\n`);
}
