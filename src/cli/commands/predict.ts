/** `graft predict`: masks for volumes. */
import type { Command } from 'commander';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import type { ProgressEvent } from '../progress.js';
import { parsePrompt } from '../prompt.js';

export const registerPredict = (program: Command): void =>
  defineCommand(program, {
    name: 'predict',
    summary: 'Segment volumes with a model and an adapter',
    details:
      'Writes OUT/CASE.nii.gz for every image: labels on the image’s own grid, with its affine and header. Without an ' +
      'adapter the base model is used as it is. A model of Segment Anything also answers a prompt: what is meant on one ' +
      'slice, by points (point X,Y,Z; outside X,Y,Z) and a box (box X,Y,Z,X,Y,Z) in voxels of the file from 0, or in ' +
      'millimetres of its world after the word mm. Foundations answer prompts alone.',
    arguments: {
      '<model>': 'a file from a run’s models folder, or a foundation of "graft pretrain"',
      '<images...>': 'NIfTI files (.nii, .nii.gz)',
    },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        adapter: z.string().optional().describe('a file from a run’s adapters folder, made for this model'),
        prompt: z.string().optional().describe('what to segment on one slice of one image, such as "point 30,42,18"'),
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
      [
        'graft predict runs/hippocampus-federated/models/seed1.safetensors scan.nii.gz \\\n    --adapter runs/hippocampus-federated/adapters/seed1/flap-sam/federated.safetensors',
        'what the sites learned together',
      ],
      [
        'graft predict foundation.safetensors scan.nii.gz --prompt "point 30,42,18 outside 10,12,18"',
        'what you point at',
      ],
    ],
    async run(context, { adapter, prompt, out, device }, modelFile, ...images) {
      const { readVolume, writeMask } = await import('../../data/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      const { caseName, loadPredictor } = await import('../../runs/index.js');
      const { join } = await import('node:path');
      const maskOf = (image: string) => join(out, `${caseName(image)}.nii.gz`);
      for (const [i, second] of images.entries()) {
        const mask = maskOf(second);
        const first = images.slice(0, i).find((other) => maskOf(other) === mask);
        if (first !== undefined) throw cliError('SAME_NAME', { first, second, mask });
      }
      const invalid = (problems: string) => cliError('OPTION_INVALID', { problems, command: 'predict' });
      if (prompt !== undefined && images.length > 1) throw invalid('--prompt is about one image');
      const asked = prompt === undefined ? undefined : parsePrompt(prompt);
      const model = loadPredictor(modelFile, { device: chooseDevice(device), ...(adapter && { adapter }) });
      if (asked && !model.prompt) throw invalid(`--prompt: ${modelFile} is no Segment Anything model`);
      if (!asked && !model.segment) throw invalid(`--prompt is required: ${modelFile} answers prompts alone`);

      const masks: { image: string; mask: string; segmentedMl: number; slice?: number; iou?: number }[] = [];
      async function* predictAll(): AsyncGenerator<ProgressEvent, void> {
        yield { kind: 'task', name: 'segment', total: images.length };
        for (const [i, image] of images.entries()) {
          context.signal.throwIfAborted();
          const volume = readVolume(image);
          const { labels, ...more } = asked ? model.prompt!(volume, asked) : { labels: model.segment!(volume) };
          const mask = maskOf(image);
          writeMask(mask, labels, volume.grid);
          const voxels = labels.reduce((sum, label) => sum + (label > 0 ? 1 : 0), 0);
          const segmentedMl = (voxels * volume.spacing.reduce((a, b) => a * b)) / 1000;
          masks.push({ image, mask, segmentedMl, ...(more as { slice?: number; iou?: number }) });
          yield { kind: 'step', done: i + 1, total: images.length };
        }
        yield { kind: 'done', name: 'segment' };
      }
      await context.follow(predictAll());
      context.print({ masks }, () =>
        masks
          .map(({ mask, segmentedMl, iou }) => {
            const sure = iou === undefined ? '' : `, predicted IoU ${iou.toFixed(2)}`;
            return `${mask}  ${segmentedMl.toFixed(1)} ml${sure}`;
          })
          .join('\n'),
      );
    },
  });
