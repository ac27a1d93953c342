/** `graft predict`: masks for volumes. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../../core/index.js';
import type { Volume } from '../../data/index.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { parsePrompt } from '../prompt.js';

export const registerPredict = (program: Command): void =>
  defineCommand(program, {
    name: 'predict',
    summary: 'Segment volumes with a model and an adapter',
    details:
      'Writes OUT/CASE.nii.gz for every image: labels on the image’s own grid, with its affine and header. A folder stands ' +
      'for the DICOM series in it, one after another; masks are named by pseudonyms of patient and series, and a series ' +
      'that cannot be used is named and stops no other. --format dicom-seg writes OUT/CASE.dcm that refers to the source ' +
      'series; it carries the patient’s name as the source does, so that an archive can file it. Without an ' +
      'adapter the base model is used as it is. A model of Segment Anything also answers a prompt: what is meant on one ' +
      'slice, by points (point X,Y,Z; outside X,Y,Z) and a box (box X,Y,Z,X,Y,Z) in voxels of the file from 0, or in ' +
      'millimetres of its world after the word mm. Foundations answer prompts alone.',
    arguments: {
      '<model>': 'a file from a run’s models folder, or a foundation of "graft pretrain"',
      '<images...>': 'NIfTI files (.nii, .nii.gz), folders of DICOM series',
    },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        adapter: z.string().optional().describe('a file from a run’s adapters folder, made for this model'),
        prompt: z.string().optional().describe('what to segment on one slice of one image, such as "point 30,42,18"'),
        out: z.string().default('predictions').describe('folder for the masks'),
        format: z
          .enum(['nifti', 'dicom-seg'])
          .default('nifti')
          .describe('of the masks; dicom-seg for DICOM series alone'),
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
        'graft predict model.safetensors /export/2024-05 --format dicom-seg --out segmentations',
        'DICOM series, for the archive',
      ],
      [
        'graft predict foundation.safetensors scan.nii.gz --prompt "point 30,42,18 outside 10,12,18"',
        'what you point at',
      ],
    ],
    async run(context, { adapter, prompt, out, format, device }, modelFile, ...images) {
      const { chooseDevice } = await import('../../torch/index.js');
      const { findImages, loadPredictor, segmentImages } = await import('../../runs/index.js');
      const { sources, problems } = findImages(images, format);
      for (const [i, second] of sources.entries()) {
        const first = sources.slice(0, i).find(({ name }) => name === second.name);
        const [a, b] = [first, second].map((source) => source?.path ?? source?.name ?? '');
        if (first) throw cliError('SAME_NAME', { first: a, second: b, mask: `${join(out, second.name)}.nii.gz` });
      }
      const invalid = (problem: string) => cliError('OPTION_INVALID', { problems: problem, command: 'predict' });
      if (prompt !== undefined && sources.length > 1) throw invalid('--prompt is about one image');
      const asked = prompt === undefined ? undefined : parsePrompt(prompt);
      const model = loadPredictor(modelFile, { device: chooseDevice(device), ...(adapter && { adapter }) });
      if (asked && !model.prompt) throw invalid(`--prompt: ${modelFile} is no Segment Anything model`);
      if (!asked && !model.segment) throw invalid(`--prompt is required: ${modelFile} answers prompts alone`);
      const classes = model.classes.length > 0 ? model.classes : ['prompted'];

      const segment = (volume: Volume) => (asked ? model.prompt!(volume, asked) : model.segment!(volume));

      const { masks, failures } = await context.follow(segmentImages(sources, { segment, classes, format, out }));
      const notes = problems.filter(({ stops }) => !stops);
      const result = {
        masks,
        failures: failures.map(({ code, message, hint }) => ({ code, message, hint })),
        notes,
      };
      context.print(result, () =>
        [
          ...masks.map(({ mask, segmentedMl, iou }) => {
            const sure = iou === undefined ? '' : `, predicted IoU ${iou.toFixed(2)}`;
            return `${mask}  ${segmentedMl.toFixed(1)} ml${sure}`;
          }),
          ...failures.map(({ message, hint }) => `no mask: ${message} ${hint}`),
          ...notes.map(({ message }) => `note: ${message}`),
        ].join('\n'),
      );
      return failures.length > 0 ? exitCodes.data : 0;
    },
  });
