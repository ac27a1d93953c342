/** `graft run`: a whole experiment from a recipe. */
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { carryOut, overrides, recipeOptions } from '../experiments.js';

export const registerRun = (program: Command): void =>
  defineCommand(program, {
    name: 'run',
    summary: 'Run an experiment from a recipe: train, adapt or federate, score, report',
    details:
      'A recipe with a source and targets trains a network on the source site and adapts it to every target by every ' +
      'method; one with sites and plans fine-tunes Segment Anything at each site, on all cases, and in rounds. Both are ' +
      'scored on unseen patients and end with a report. A run that was stopped goes on with --resume and ends with the ' +
      'same bits.',
    arguments: { '[recipe]': 'a YAML file, or the name of a recipe that comes with graft' },
    options: runOptions,
    examples: [
      ['graft run --list', 'the recipes that come with graft'],
      ['graft run phantom-scanners', 'on generated data, nothing needed'],
      ['graft run brain-scanners --data data/brain --out runs/brain', 'on your volumes'],
      ['graft run brain-scanners --data data/brain --resume', 'go on after an interruption'],
      ['graft run brain-scanners --data data/brain --set training.epochs=10 --set seeds=[1,2]', 'overrule keys'],
      ['graft run brain-scanners --data data/brain --set seeds=[1,2,3,4,5] --extend', 'add seeds to a finished run'],
      [
        'graft run phantom-scanners --tensorboard --mlflow http://127.0.0.1:5000',
        'curves where you already look at curves',
      ],
    ],
    async run(context, { list, ...options }, named) {
      const { findRecipe, listRecipes, readAnyRecipe } = await import('../../studies/index.js');
      if (list) {
        const recipes = listRecipes();
        const width = Math.max(...recipes.map(({ name }) => name.length));
        context.print({ recipes }, () =>
          recipes.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n'),
        );
        return;
      }
      if (named === undefined)
        throw cliError('USAGE', {
          problem: 'Name a recipe.',
          hint: '"graft run --list" names those that come with graft.',
        });
      const file = findRecipe(named);
      await carryOut(context, readAnyRecipe(file, await overrides(options, 'run')), { file, ...options });
    },
  });

async function runOptions() {
  const { z } = await import('zod');
  return (await recipeOptions()).extend({
    list: z.boolean().default(false).describe('name the recipes that come with graft, and end'),
  });
}
