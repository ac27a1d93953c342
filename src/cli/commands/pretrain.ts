/** `graft pretrain`: a small foundation on generated scenes. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Pretraining } from '../../finetune/index.js';
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
    async run(context, { model, out, resume, seed, device, ...options }) {
      const { makeFoundation } = await import('../../jobs/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      // Also with --resume: what is finished is not computed again.
      if (existsSync(out)) throw cliError('OUTPUT_EXISTS', { file: out });
      const checkpoint = `${out}.ckpt`;
      if (!resume && existsSync(checkpoint)) throw cliError('CHECKPOINT_EXISTS', { file: out });
      const looks: object[] = [];
      const { familyOfSize } = await import('../../networks/index.js');
      const own = Object.keys(familyOfSize(model).settings.shape);
      const part = (chosen: boolean) =>
        Object.fromEntries(Object.entries(options).filter(([key]) => own.includes(key) === chosen));
      const [settings, pretraining] = [part(true), part(false) as Pretraining];
      const job = { architecture: model, settings, pretraining, seed, device: chooseDevice(device), out, checkpoint };
      await context.follow(makeFoundation(job, (record) => looks.push(record)));
      context.print({ foundation: out, model, ...settings, looks }, () => `foundation: ${out}`);
    },
  });

async function pretrainOptions() {
  const [{ z }, { pretrainingSchema }, { defaultSizes, networkFamilies, settingsOf }] = await Promise.all([
    import('zod'),
    import('../../finetune/index.js'),
    import('../../networks/index.js'),
  ]);
  const promptable = Object.values(networkFamilies).filter(({ loadFoundation }) => loadFoundation);
  return z.strictObject({
    model: z
      .enum(promptable.flatMap(({ sizes }) => sizes) as [string, ...string[]])
      .default(defaultSizes.foundation)
      .describe('size of the network'),
    ...settingsOf(promptable),
    out: z.string().default('foundation.safetensors').describe('the foundation’s file'),
    resume: z.boolean().default(false).describe('go on from the checkpoint beside --out'),
    ...pretrainingSchema.shape,
    seed: z.int().min(0).default(1),
    device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
  });
}
