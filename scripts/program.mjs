// Bundles the command: of the several hundred files that a command loads, each costs about a millisecond at its start.
// The library, and the threads of the command, load the files as the compiler wrote them. Packages are not bundled.
import { rmSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

/** What the command starts with, in dist/. */
export const entry = 'cli/main.js';

/** Puts the bundle in place of the entry, with its parts beside it. @param {string} folder what the compiler wrote */
export async function bundleProgram(folder) {
  const { build } = await import('vite');
  const outDir = resolve(folder, dirname(entry));
  await build({
    ...{ configFile: false, publicDir: false, root: resolve(folder), logLevel: 'warn' },
    build: {
      ...{ ssr: true, target: 'node20', minify: false, outDir, emptyOutDir: false },
      rolldownOptions: {
        // Names of modules in the bundle are relative to it, and the bundle the same wherever it was made.
        cwd: resolve(folder),
        input: entry,
        // A part has another name when its text changes: a command that starts during a build finds parts that fit.
        output: { entryFileNames: 'main.js', chunkFileNames: '[name]-[hash].js' },
      },
    },
    plugins: [
      {
        name: 'the places of files beside modules',
        transform(code, id) {
          if (!id.startsWith(resolve(folder)) || !code.includes('import.meta.url')) return;
          const place = `new URL(${JSON.stringify(relative(outDir, id))}, import.meta.url).href`;
          return code.replaceAll('import.meta.url', place);
        },
      },
    ],
  });
  rmSync(resolve(folder, `${entry}.map`), { force: true });
}
