/** `graft compare`: runs and their methods side by side. */
import type { Command } from 'commander';
import type { ComparisonTable } from '../../compare/index.js';
import { defineCommand } from '../command.js';
import { keepReports, outputFile } from '../output.js';
import { formatTable } from '../table.js';

export const registerCompare = (program: Command): void =>
  defineCommand(program, {
    name: 'compare',
    summary: 'Put methods and runs side by side, with tests',
    details:
      'Every method of every run as mean ± sd, median and 95 % bootstrap interval over the test cases, and against a ' +
      "baseline on the same cases: paired difference and Wilcoxon's signed-rank test with Holm's correction. By site, by " +
      'class, and with the worst cases. Runs of `graft run` and `graft federate`, also unfinished ones; they are only read.',
    arguments: { '<runs...>': 'folders of runs' },
    options: async () => {
      const [{ z }, { measureNames }] = await Promise.all([import('zod'), import('../../compare/index.js')]);
      return z
        .strictObject({
          measure: z.array(z.enum(measureNames)).min(1).default(['dice']).describe('what to compare'),
          baseline: z.string().optional().describe('the method that others are tested against; default: the first'),
          methods: z.array(z.string()).min(1).optional().describe('only these, and the baseline'),
          latex: z.boolean().default(false).describe('print the tables as LaTeX'),
          markdown: z.boolean().default(false).describe('print the tables as Markdown'),
          html: outputFile(z, 'page').optional().describe('also write the page of them side by side to this file'),
        })
        .refine(({ latex, markdown }) => !(latex && markdown), 'choose one of --latex and --markdown');
    },
    examples: [
      ['graft compare runs/phantom-scanners', 'the methods of a run against its first'],
      ['graft compare runs/a runs/b --methods a/convlora-adabn,b/convlora-adabn', 'one method of two runs'],
      ['graft compare runs/federated --measure dice,hausdorff95 --latex', 'tables for a paper'],
      ['graft compare runs/a --baseline udas --html compare.html --json', 'a page, and all numbers for a program'],
    ],
    async run({ print, width, bold }, { measure, baseline, methods, latex, markdown, html }, ...folders) {
      const { compareMethods, entryOf, latexTable, markdownTable, comparisonTables } = await import(
        '../../compare/index.js'
      );
      const { comparisonPage, entriesOfRuns, forSharing, namesOfRuns } = await import('../../studies/index.js');
      if (html !== undefined) keepReports(folders, html, 'compare');
      const all = entriesOfRuns(folders);
      const first = baseline ?? methods?.[0] ?? all[0].name;
      const entries = methods ? [...new Set([first, ...methods])].map((name) => entryOf(all, name)) : all;
      const compared = (those: typeof entries) =>
        measure.map((name) => compareMethods(those, { measure: name, baseline: first }));
      const comparisons = compared(entries);
      // What is made to be handed on names cases as the reports of the runs do.
      const named = html !== undefined || latex || markdown ? forSharing(entries, folders) : entries;
      const shared = named === entries ? comparisons : compared(named);
      if (html !== undefined) {
        const [{ writeFileAtomic }, { renderPageFile }] = await Promise.all([
          import('../../core/index.js'),
          import('../../report/index.js'),
        ]);
        writeFileAtomic(html, renderPageFile(comparisonPage(named, shared, namesOfRuns(folders))).text);
      }
      const plain = (table: ComparisonTable) => plainTable(table, width, bold);
      print({ comparisons, ...(html !== undefined && { html }) }, () => {
        const [set, mark] = latex ? [latexTable, '% '] : markdown ? [markdownTable, '- '] : [plain, ''];
        // What holds for several measures is said once.
        const told = latex || markdown ? shared : comparisons;
        const notes = new Set(told.flatMap((one) => one.notes));
        const lines = [...[...notes].map((note) => `note: ${note}`), ...(html === undefined ? [] : [`page: ${html}`])];
        const tables = told.flatMap((one) => comparisonTables(one).map(set));
        return [...tables, ...(lines.length > 0 ? [lines.map((line) => mark + line).join('\n')] : [])].join('\n\n');
      });
    },
  });

function plainTable({ caption, header, rows, key }: ComparisonTable, width: number, bold: (text: string) => string) {
  const cells = rows.map((row) => row.map(({ text, best }) => (best ? `★ ${text}` : text)));
  const marked = rows.some((row) => row.some(({ best }) => best));
  return [bold(caption), '', formatTable(header, cells, { width }), '', `${marked ? '★ best. ' : ''}${key}`].join('\n');
}
