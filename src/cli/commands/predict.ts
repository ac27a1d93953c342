/** `graft predict`: masks for volumes. */
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import type { ProgressEvent } from '../progress.js';

export const registerPredict = (program: Command): void =>
  defineCommand(program, {
    name: 'predict',
    summary: 'Segment volumes with a model and an adapter',
    details:
      'Writes OUT/CASE.nii.gz for every image: labels on the image’s own grid, with its affine and header. Without an ' +
      'adapter the base model is used as it is.',
    arguments: { '<model>': 'a file from a run’s models folder', '<images...>': 'NIfTI files (.nii, .nii.gz)' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        adapter: z.string().optional().describe('a file from a run’s adapters folder, made for this model'),
        out: z.string().default('predictions').describe('folder for the masks'),
        device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
      });
    },
    examples: [
      ['graft predict model.safetensors scan.nii.gz', 'writes predictions/scan.nii.gz'],
      [
        'graft predict runs/brain/models/seed1.safetensors data/lju-t2/images/*.nii.gz \\\n    --adapter runs/brain/adapters/seed1/lju-t2/convlora-adabn.safetensors --out masks',
        'a whole site with its adapter',
      ],
    ],
    async run(context, { adapter, out, device }, modelFile, ...images) {
      const { loadAdapter, loadModel, segment } = await import('../../adapt/index.js');
      const { readVolume, writeMask } = await import('../../data/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      const { caseName } = await import('../../runs/index.js');
      const { join } = await import('node:path');
      const maskOf = (image: string) => join(out, `${caseName(image)}.nii.gz`);
      for (const [i, second] of images.entries()) {
        const mask = maskOf(second);
        const first = images.slice(0, i).find((other) => maskOf(other) === mask);
        if (first !== undefined) throw cliError('SAME_NAME', { first, second, mask });
      }
      const model = loadModel(modelFile, { device: chooseDevice(device) });
      if (adapter) model.use(loadAdapter(adapter));

      const masks: { image: string; mask: string; segmentedMl: number }[] = [];
      async function* predictAll(): AsyncGenerator<ProgressEvent, void> {
        yield { kind: 'task', name: 'segment', total: images.length };
        for (const [i, image] of images.entries()) {
          context.signal.throwIfAborted();
          const volume = readVolume(image);
          const labels = segment(model, volume);
          const mask = maskOf(image);
          writeMask(mask, labels, volume.grid);
          const voxels = labels.reduce((sum, label) => sum + (label > 0 ? 1 : 0), 0);
          masks.push({ image, mask, segmentedMl: (voxels * volume.spacing.reduce((a, b) => a * b)) / 1000 });
          yield { kind: 'step', done: i + 1, total: images.length };
        }
        yield { kind: 'done', name: 'segment' };
      }
      await context.follow(predictAll());
      context.print({ masks }, () =>
        masks.map(({ mask, segmentedMl }) => `${mask}  ${segmentedMl.toFixed(1)} ml`).join('\n'),
      );
    },
  });
