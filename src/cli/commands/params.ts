/** `graft params`: how many parameters a network has and how few are trained, counted on the real thing. */
import type { Command } from 'commander';
import type { SamArchitecture } from '../../networks/index.js';
import { defineCommand } from '../command.js';
import { headings, refuseForeign } from '../settings.js';

const groups = {
  [headings.unet2d]: ['inChannels', 'outChannels', 'filters', 'kernels', 'blocks'],
  [headings.sam]: ['imageSize', 'classes', 'count', 'kind', 'targets'],
};

export const registerParams = (program: Command): void =>
  defineCommand(program, {
    name: 'params',
    summary: 'Count the parameters of a network and of its adapters',
    details:
      'Networks and adapters are built and their tensors counted; no formula is involved. For unet2d every placement of ' +
      'ConvLoRA is listed, for Segment Anything every training plan, with what it sends between sites.',
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
    async run({ given, print, width, bold }, { model, ...options }) {
      refuseForeign(groups, model, given, 'params');
      if (model === 'unet2d') {
        const { countUNet, describeUNet } = await import('../params/unet.js');
        const counts = await countUNet(options);
        print({ model, ...counts }, () => describeUNet(counts, width, bold));
      } else {
        const { countSam, describeSam } = await import('../params/sam.js');
        const counts = await countSam({ model, ...options });
        print({ model, ...counts }, () => describeSam(model, counts, width, bold));
      }
    },
  });

async function paramsOptions() {
  const [{ z }, { samArchitectures, samSchema, unet2dSchema, unetBlocks }, { convLoraSchema, loraOptions, oneDora }] =
    await Promise.all([import('zod'), import('../../networks/index.js'), import('../../peft/index.js')]);
  const { count, kind, targets } = loraOptions.shape;
  return z
    .strictObject({
      model: z
        .enum(['unet2d', ...(Object.keys(samArchitectures) as SamArchitecture[])])
        .default('unet2d')
        .describe('architecture'),
      rank: z.int().min(1).optional().describe('rank of the adapter; default: 2 for unet2d, 32 for Segment Anything'),
      ...unet2dSchema.shape,
      kernels: convLoraSchema.shape.kernels,
      blocks: z
        .array(z.enum(unetBlocks))
        .min(1)
        .optional()
        .describe('blocks that carry ConvLoRA; otherwise all placements from the image downwards are listed'),
      imageSize: samSchema.shape.imageSize.default(224),
      classes: z.int().min(1).default(2).describe('foreground classes, each with a mask'),
      ...{ count, kind, targets },
    })
    .refine(...oneDora);
}
