/** `graft run`: a whole experiment from a recipe. */
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
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
    arguments: { '<recipe>': 'a YAML file, such as those in recipes/' },
    options: recipeOptions,
    examples: [
      ['graft run recipes/phantom-scanners.yaml', 'on generated data, nothing needed'],
      ['graft run recipes/brain-scanners.yaml --data data/brain --out runs/brain', 'on your volumes'],
      ['graft run recipes/brain-scanners.yaml --data data/brain --resume', 'go on after an interruption'],
      [
        'graft run recipes/brain-scanners.yaml --data data/brain --set training.epochs=10 --set seeds=[1,2]',
        'overrule keys',
      ],
      [
        'graft run recipes/phantom-scanners.yaml --tensorboard --mlflow http://127.0.0.1:5000',
        'curves where you already look at curves',
      ],
    ],
    async run(context, options, file) {
      const { readAnyRecipe } = await import('../../runs/index.js');
      await carryOut(context, readAnyRecipe(file, await overrides(options, 'run')), { file, ...options });
    },
  });
