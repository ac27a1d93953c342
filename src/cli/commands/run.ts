/** `graft run`: a whole experiment from a recipe. */
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { count } from '../format.js';
import { formatTable } from '../table.js';

export const registerRun = (program: Command): void =>
  defineCommand(program, {
    name: 'run',
    summary: 'Run an experiment from a recipe: train, adapt, score, report',
    details:
      'Trains a network on the source site, adapts it to every target by every method, scores it on unseen patients ' +
      'and writes a report. A run that was stopped goes on with --resume and ends with the same bits.',
    arguments: { '<recipe>': 'a YAML file, such as those in recipes/' },
    options: runOptions,
    examples: [
      ['graft run recipes/phantom-scanners.yaml', 'on generated data, nothing needed'],
      ['graft run recipes/brain-scanners.yaml --data data/brain --out runs/brain', 'on your volumes'],
      ['graft run recipes/brain-scanners.yaml --data data/brain --resume', 'go on after an interruption'],
      [
        'graft run recipes/brain-scanners.yaml --data data/brain --set training.epochs=10 --set seeds=[1,2]',
        'overrule keys',
      ],
    ],
    async run(context, { data, out, resume, set }, file) {
      const { readRecipe, runExperiment } = await import('../../runs/index.js');
      const recipe = readRecipe(file, await overrides(set));
      const folder = out ?? join('runs', basename(file, extname(file)));
      const events = runExperiment(recipe, { out: folder, resume, file, ...(data !== undefined && { data }) });
      const experiment = await context.follow(events);
      context.print(experiment, () => {
        const { methods, toleranceMm, seeds } = experiment.summary;
        const columns = [...recipe.targets, 'mean'];
        const rows = methods.map(({ label, surfaceDice, dice, trainedParameters, adapterBytes, guarded }) => [
          label,
          ...columns.map((target) => surfaceDice[target].mean),
          dice.mean.mean,
          count(trainedParameters),
          adapterBytes === null ? undefined : `${(adapterBytes / 1000).toFixed(0)} kB`,
          guarded.length > 0 ? `${guarded.length} of ${seeds.length * recipe.targets.length}` : undefined,
        ]);
        const header = ['method', ...columns, 'Dice', 'trained', 'adapter', 'guarded'];
        const best = Object.fromEntries([...columns, 'Dice'].map((name) => [name, 'max' as const]));
        return [
          `Surface Dice at ${toleranceMm} mm on unseen patients, mean of ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}:`,
          '',
          formatTable(header, rows, { width: context.width, best, emphasise: context.bold }),
          '',
          `report: ${experiment.report}`,
        ].join('\n');
      });
    },
  });

async function runOptions() {
  const { z } = await import('zod');
  return z.strictObject({
    data: z.string().optional().describe('the data set, ROOT/SITE/{images,labels}/CASE.nii.gz'),
    out: z.string().optional().describe('the run’s folder; default: runs/ and the recipe’s name'),
    resume: z.boolean().default(false).describe('go on with the run in the folder, if there is one'),
    set: z.array(z.string()).default([]).describe('overrules a key of the recipe, such as training.epochs=10'),
  });
}

/** `key.path=value` with the value in YAML. */
async function overrides(list: readonly string[]): Promise<Record<string, unknown>> {
  const { parse } = await import('yaml');
  // Options that may be repeated are separated at commas; here those inside a value, as in seeds=[1,2], belong to it.
  const texts = list.length > 0 ? list.join(',').split(/,(?=[\w.]+=)/) : [];
  return Object.fromEntries(
    texts.map((text) => {
      const invalid = (problem: string) =>
        cliError('OPTION_INVALID', { problems: `--set "${text}" is not ${problem}`, command: 'run' });
      const [, key, value] = /^([\w.]+)=(.*)$/s.exec(text) ?? [];
      if (!key || key.includes('__proto__')) throw invalid('KEY=VALUE');
      try {
        return [key, parse(value)];
      } catch (error) {
        throw invalid(`KEY=VALUE with a value in YAML (${(error as Error).message.split('\n')[0]})`);
      }
    }),
  );
}
