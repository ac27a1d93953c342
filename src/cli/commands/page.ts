/** `graft page`: a run in a browser, while it works and afterwards. */
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { endsWell } from '../ending.js';
import { keepReports, outputFile } from '../output.js';

export const registerPage = (program: Command): void =>
  defineCommand(program, {
    name: 'page',
    summary: 'Show a run, several side by side, a training, or a federation in a browser',
    details:
      'Serves the page of a run, or of a single training or adaptation, to browsers on this machine: cases, scores, statistics, images, what the guard saw, bytes, ' +
      'and how to cite and repeat it. While the work lasts, the page follows it. With --out it becomes one file, which ' +
      'opens anywhere without a network. Folders are only read. Ctrl-C ends it.',
    arguments: {
      '<runs...>':
        'folders of runs, a model or an adapter or the folder in which it lies, a report.html that somebody sent, or the folder of a coordinator or a site',
    },
    options: async () => {
      const [{ z }, { measureNames }] = await Promise.all([import('zod'), import('../../compare/index.js')]);
      return z.strictObject({
        out: outputFile(z, 'page').optional().describe('write the page to this file instead of serving it'),
        port: z.int().min(0).max(65_535).default(8642).describe('on 127.0.0.1; 0 for any that is free'),
        measure: z.enum(measureNames).default('dice').describe('what several runs are compared by'),
      });
    },
    examples: [
      ['graft page runs/phantom-scanners', 'at http://127.0.0.1:8642, also while the run works'],
      ['graft page runs/phantom-scanners --out page.html', 'one file to hand on'],
      ['graft page model.safetensors', 'a training, by what it wrote or is writing'],
      ['graft page fed', 'a federation over a network: sites, rounds, journal; numbers alone'],
      ['graft page site-a', 'what a hospital’s site did in each round'],
      ['graft page runs/a runs/b --measure surfaceDice', 'two runs on the cases that they share'],
    ],
    async run(context, { out, port, measure }, ...places) {
      if (out !== undefined && places.length > 1) keepReports(places, out, 'page');
      const { pageSource, servePage } = await import('../../server/index.js');
      const source = pageSource(places, measure);
      if (out !== undefined) {
        const [{ writeFileAtomic }, { renderPageFile }] = await Promise.all([
          import('../../core/index.js'),
          import('../../report/index.js'),
        ]);
        writeFileAtomic(out, renderPageFile(source.read()).text);
        context.print({ page: out }, () => `page: ${out}`);
        return;
      }
      source.read(); // What is wrong with it is said here.
      const { signal } = context;
      const opened = (url: string) => context.print({ url }, () => `${url} (Ctrl-C ends it)`);
      await endsWell(context, () => servePage({ source, port, signal, opened }));
    },
  });
