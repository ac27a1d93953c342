/** `graft federate`: Segment Anything fine-tuned by several sites, from a recipe. */
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { carryOut, overrides, recipeOptions } from '../experiments.js';

export const registerFederate = (program: Command): void =>
  defineCommand(program, {
    name: 'federate',
    summary: 'Fine-tune Segment Anything across sites in rounds, of which only adapters travel',
    details:
      'Simulates the sites of a recipe on this machine: each training plan runs in each regime (every site alone, all ' +
      'cases in one place, in rounds), every byte of the rounds is counted, and every model is scored on unseen cases of ' +
      'every site. The options overrule the recipe; a setting that a plan has of its own stays. A run that was stopped ' +
      'goes on with --resume and ends with the same bits.',
    arguments: { '<recipe>': 'a YAML file with sites and plans, or the name of a recipe that comes with graft' },
    options: federateOptions,
    examples: [
      ['graft federate phantom-federated', 'on generated data, nothing needed'],
      ['graft federate hippocampus-federated --data data/hippocampus', 'on your volumes'],
      ['graft federate hippocampus-federated --data data/hippocampus --resume', 'go on'],
      [
        'graft federate hippocampus-federated --data data/hippocampus --rounds 90 --extend',
        'more rounds for a finished run',
      ],
      [
        'graft federate hippocampus-federated --plans flap-sam,lora --regimes federated --rounds 5 --wire int8',
        'a part of the recipe',
      ],
      [
        'graft federate hippocampus-federated --set model.checkpoint=sam_vit_b_01ec64.pth --set model.architecture=sam-vit-b --set model.imageSize=224',
        'a downloaded foundation instead of one made here',
      ],
    ],
    async run(context, { rounds, wire, aggregation, plans, regimes, ...options }, recipeName) {
      const { federationStudy, findRecipe, readFederationRecipe } = await import('../../studies/index.js');
      const file = findRecipe(recipeName);
      const named = { 'federation.rounds': rounds, 'federation.wire': wire, 'federation.aggregation': aggregation };
      const given = Object.entries({ ...named, plans, regimes }).filter(([, value]) => value !== undefined);
      const recipe = readFederationRecipe(file, {
        ...Object.fromEntries(given),
        ...(await overrides(options, 'federate')),
      });
      await carryOut(context, { study: federationStudy, recipe }, { file, ...options });
    },
  });

async function federateOptions() {
  const [{ z }, { federationSchema }, { regimeNames }] = await Promise.all([
    import('zod'),
    import('../../federate/index.js'),
    import('../../studies/index.js'),
  ]);
  const { rounds, wire, aggregation } = federationSchema.shape;
  return (await recipeOptions()).extend({
    rounds: rounds.unwrap().optional().describe('how often sites train and the coordinator aggregates'),
    wire: wire.unwrap().optional().describe('numbers on their way'),
    aggregation: aggregation.unwrap().optional().describe('how the sites’ low-rank factors become one'),
    plans: z.array(z.string()).min(1).optional().describe('training plans in place of the recipe’s'),
    regimes: z.array(z.enum(regimeNames)).min(1).optional().describe('regimes in place of the recipe’s'),
  });
}
