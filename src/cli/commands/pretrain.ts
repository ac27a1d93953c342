/** `graft pretrain`: a small foundation on generated scenes. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { SamArchitecture } from '../../networks/index.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';

export const registerPretrain = (program: Command): void =>
  defineCommand(program, {
    name: 'pretrain',
    summary: 'Make a small Segment Anything from generated scenes, without any download',
    details:
      'Trains to outline what a point or a box asks for and, without a prompt, the largest object. The file is a ' +
      'foundation: recipes take it as model.checkpoint, "graft train" as --foundation, and "graft predict --prompt" as ' +
      'it is. It knows no anatomy; where there is a checkpoint of segment-anything or MedSAM, that one is better.',
    options: pretrainOptions,
    examples: [
      ['graft pretrain --out foundation.safetensors', 'with the defaults'],
      ['graft pretrain --model sam-small --image-size 128 --steps 10000 --out small.safetensors', 'larger'],
      ['graft pretrain --out foundation.safetensors --resume', 'go on after an interruption'],
    ],
    async run(context, { model, imageSize, out, resume, seed, device, ...pretraining }) {
      const { makeFoundation } = await import('../../jobs/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const checkpoint = `${out}.ckpt`;
      if (!resume && existsSync(checkpoint)) throw cliError('CHECKPOINT_EXISTS', { file: out });
      const looks: object[] = [];
      const job = { architecture: model, imageSize, pretraining, seed, device: chooseDevice(device), out, checkpoint };
      await context.follow(makeFoundation(job, (record) => looks.push(record)));
      context.print({ foundation: out, model, imageSize, looks }, () => `foundation: ${out}`);
    },
  });

async function pretrainOptions() {
  const [{ z }, { pretrainingSchema }, { samArchitectures, samSchema }] = await Promise.all([
    import('zod'),
    import('../../finetune/index.js'),
    import('../../networks/index.js'),
  ]);
  return z.strictObject({
    model: z
      .enum(Object.keys(samArchitectures) as SamArchitecture[])
      .default('sam-tiny')
      .describe('size of the network'),
    imageSize: samSchema.shape.imageSize.default(64),
    out: z.string().default('foundation.safetensors').describe('the foundation’s file'),
    resume: z.boolean().default(false).describe('go on from the checkpoint beside --out'),
    ...pretrainingSchema.shape,
    seed: z.int().min(0).default(1),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
  });
}
