/** `graft params`: how many parameters a network has and how few are trained, counted on the real thing. */
import type { Command } from 'commander';
import type { ZodDefault, ZodType } from 'zod';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { flagOf } from '../words.js';

const groups = {
  'Options for networks of blocks': ['filters', 'kernels', 'blocks'],
  'Options for networks with plans': ['imageSize', 'count', 'kind', 'targets'],
};

export const registerParams = (program: Command): void =>
  defineCommand(program, {
    name: 'params',
    summary: 'Count the parameters of a network and of its adapters',
    details:
      'Networks and adapters are built and their tensors counted; no formula is involved. Of a network with blocks every placement of ' +
      'ConvLoRA is listed, of others every training plan, with what it sends between sites.',
    options: paramsOptions,
    groups,
    examples: [
      ['graft params', 'the U-Net of the ConvLoRA paper, and every adapter from the image downwards'],
      ['graft params --filters 32 --rank 4', 'a wider network, a larger rank'],
      ['graft params --blocks init_path,out_path --json', 'one placement, for a program'],
      [
        'graft params --model sam-vit-b --image-size 224 --classes 2 --rank 32',
        'the training plans of the FLAP-SAM paper',
      ],
      ['graft params --model sam-vit-h --kind dora --targets q,v,mlp.lin1 --json', 'other adapters, for a program'],
    ],
    async run({ given, print, width, bold }, { model, rank, kernels, blocks, count, kind, targets, ...rest }) {
      const { familyOfSize, networkFamilies } = await import('../../networks/index.js');
      const family = familyOfSize(model);
      const own = (one: typeof family) => ({ ...one.settings.shape, ...shapeOf(one.adapter) });
      const stray = Object.values(networkFamilies)
        .flatMap((one) => Object.keys(own(one)))
        .find((key) => key in given && !(key in own(family)));
      if (stray !== undefined)
        throw cliError('OPTION_INVALID', {
          problems: `${flagOf(stray)} says nothing of ${model}`,
          command: 'params',
        });
      const chosen = Object.entries(rest).filter(([key, value]) => key in family.settings.shape && value !== undefined);
      const settings = { ...family.published.settings, ...Object.fromEntries(chosen) };
      const classes = rest.classes ?? family.published.classes;
      const config = family.configure(model, classes, settings) as Record<string, number>;
      if (family.blocks.encoder.length > 0) {
        const { countPlacements, describePlacements } = await import('../params/placements.js');
        const counts = await countPlacements({ model, family, config, rank, kernels, blocks });
        print({ model, ...counts }, () => describePlacements(counts, width, bold));
      } else {
        const { countPlans, describePlans } = await import('../params/plans.js');
        const asked = { ...(rank && { rank }), count, kind, targets, kernels, blocks };
        const adapter = Object.fromEntries(Object.entries(asked).filter(([key]) => key in shapeOf(family.adapter)));
        const counts = await countPlans({ model, family, classes, settings, adapter });
        print({ model, ...counts }, () => describePlans(model, counts, width, bold));
      }
    },
  });

/** The keys of an object's schema, through what refines it. */
const shapeOf = (schema: object): object => ('shape' in schema ? (schema.shape as object) : {});

/** Settings whose defaults are those of the network's paper. */
const optional = (shape: object): object =>
  Object.fromEntries(
    Object.entries(shape as Record<string, ZodDefault<ZodType>>).map(([key, schema]) => [
      key,
      schema.unwrap().optional().describe(`${schema.description}; default: the network’s paper’s`),
    ]),
  );

async function paramsOptions() {
  const [{ z }, { defaultSizes, settingsOf, sizeNames }, { convLoraSchema, loraOptions, oneDora }] = await Promise.all([
    import('zod'),
    import('../../networks/index.js'),
    import('../../peft/index.js'),
  ]);
  const { count, kind, targets } = loraOptions.shape;
  return z
    .strictObject({
      model: z
        .enum(sizeNames as [string, ...string[]])
        .default(defaultSizes.source)
        .describe('architecture'),
      rank: z.int().min(1).optional().describe('rank of the adapter; default: 2 of ConvLoRA, 32 of LoRA'),
      ...optional(settingsOf()),
      kernels: convLoraSchema.shape.kernels,
      blocks: z
        .array(z.string())
        .min(1)
        .optional()
        .describe('blocks that carry ConvLoRA; otherwise all placements from the image downwards are listed'),
      classes: z.int().min(1).optional().describe('foreground classes; default: those of the network’s paper'),
      ...{ count, kind, targets },
    })
    .refine(...oneDora);
}
