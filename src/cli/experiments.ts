/** What the commands that carry out a recipe share: their options, and how an experiment's result is told. */
import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { AnyStudy, CommonRecipe, SummaryTable } from '../studies/index.js';
import { bytes, count, wrap } from './format.js';
import { pageOption, withPage } from './page.js';
import type { Context } from './run-command.js';
import { readAssignments } from './settings.js';
import { type Cell, formatTable } from './table.js';

/** The options that every recipe takes. */
export async function recipeOptions() {
  const { z } = await import('zod');
  return z.strictObject({
    data: z.string().optional().describe('the data set, ROOT/SITE/{images,labels}/CASE.nii.gz'),
    out: z.string().optional().describe('the run’s folder; default: runs/ and the recipe’s name'),
    resume: z.boolean().default(false).describe('go on with the run in the folder, if there is one'),
    extend: z
      .boolean()
      .default(false)
      .describe('go on with the run in the folder under a recipe that asks for more (docs/extending.md)'),
    set: z.array(z.string()).default([]).describe('overrules a key of the recipe, such as training.epochs=10'),
    page: pageOption(z, 'the run'),
    tensorboard: z.boolean().optional().describe('write event files for TensorBoard into the run’s folder'),
    mlflow: z.string().optional().describe('send numbers and the report to the MLflow server at this address'),
  });
}

/** What the options overrule in a recipe, by dotted key. @param command named in errors */
export async function overrides(
  {
    set,
    tensorboard,
    mlflow,
  }: { set: readonly string[]; tensorboard?: boolean | undefined; mlflow?: string | undefined },
  command: string,
): Promise<Record<string, unknown>> {
  return {
    ...(tensorboard !== undefined && { 'tracking.tensorboard': tensorboard }),
    ...(mlflow !== undefined && { 'tracking.mlflow.uri': mlflow }),
    ...(await readAssignments(set, command)),
  };
}

interface Given {
  /** The recipe's. */
  file: string;
  data?: string | undefined;
  out?: string | undefined;
  resume: boolean;
  extend: boolean;
  page: boolean;
}

/** Carries out the experiment and prints what it found. */
export async function carryOut(
  context: Context,
  { study, recipe }: { study: AnyStudy; recipe: CommonRecipe },
  { file, data, out, resume, extend, page }: Given,
) {
  const { runStudy } = await import('../studies/index.js');
  const folder = out ?? join('runs', basename(file, extname(file)));
  const command = ['graft', ...process.argv.slice(2)];
  const options = { out: folder, resume, extend, file, command, ...(data !== undefined && { data }) };
  const events = runStudy(study, recipe, options);
  const begun = () => existsSync(join(folder, 'recipe.yaml'));
  const experiment = await context.follow(page ? withPage(events, folder, begun) : events);
  context.print(experiment, () => {
    const { width, bold } = context;
    const tables = study
      .tables(experiment.summary)
      .flatMap((one) => [wrap(one.title, width).join('\n'), inText(one, width, bold)]);
    const { sentence, more } = experiment.headline;
    const certain = [...wrap(sentence, width).map(bold), ...more.flatMap((text) => wrap(text, width))];
    return [...tables, certain.join('\n'), `report: ${experiment.report}`].join('\n\n');
  });
}

const formats = { count, bytes };

function inText({ columns, rows }: SummaryTable, width: number, bold: (text: string) => string): string {
  const cells = rows.map((row) =>
    row.map((cell, i): Cell => {
      const { as } = columns[i];
      return as && typeof cell === 'number' ? formats[as](cell) : cell;
    }),
  );
  const best = Object.fromEntries(columns.flatMap((one) => (one.best ? [[one.name, 'max' as const]] : [])));
  const names = columns.map(({ name }) => name);
  return formatTable(names, cells, { width, best, emphasise: bold });
}
