/** `graft serve`: a model for the viewers that people label with. */
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { told } from '../../core/index.js';
import { auditOption } from '../audit.js';
import { certaintyOption } from '../certainty.js';
import { defineCommand } from '../command.js';
import { endsWell } from '../ending.js';
import { cliError } from '../errors.js';

export const registerServe = (program: Command): void =>
  defineCommand(program, {
    name: 'serve',
    summary: 'Serve a model to 3D Slicer and OHIF, and take their labels',
    details:
      'Speaks the REST interface of MONAI Label, which the extensions of 3D Slicer and OHIF use: the viewer shows the next ' +
      'image, asks for its mask, and sends the corrected one back. A corrected mask is checked and becomes a label beside the ' +
      'images, for "graft train" and "graft adapt" on the same folders; labels of before are kept in LABELS/earlier. There is ' +
      'no password: only this machine is served unless --host says otherwise. Ctrl-C ends it.',
    arguments: {
      '<model>': 'a file that "graft train" or a run wrote, or a folder that nnU-Net v2 trained in two dimensions',
      '<images>': 'folder of NIfTI files and DICOM series, such as SITE/images',
    },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        adapter: z
          .array(z.string())
          .default([])
          .describe(
            'files from a run’s adapters folder, made for this model, or NAME=FILE; each is a model to viewers; auto: one that gives each image the one of --adapters that fits',
          ),
        adapters: z.string().optional().describe('folder with an adapter for each scanner, for --adapter auto'),
        ...certaintyOption(z),
        labels: z.string().optional().describe('folder for the labels; default: labels beside the folder of images'),
        host: z.string().default('127.0.0.1').describe('name or address to listen at, by which viewers reach it'),
        port: z.int().min(0).max(65_535).default(8000).describe('0 for any that is free'),
        origin: z
          .array(z.string())
          .default([])
          .describe('addresses of viewers that are pages, such as https://ohif.hospital.org'),
        device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
        ...auditOption(z),
      });
    },
    examples: [
      [
        'graft serve model.safetensors data/hospital-b/images',
        'for 3D Slicer on this machine, at http://127.0.0.1:8000',
      ],
      [
        'graft serve runs/brain/models/seed1.safetensors data/lju-t2/images \\\n    --adapter runs/brain/adapters/seed1/lju-t2/convlora-adabn.safetensors',
        'with a scanner’s adapter',
      ],
      [
        'graft serve brain.safetensors /export/2024-05 --labels labels --adapter auto --adapters adapters',
        'each scan with the adapter of its scanner',
      ],
      [
        'graft serve model.safetensors /export/2024-05 --labels labels --origin https://ohif.hospital.org',
        'DICOM series, for OHIF',
      ],
    ],
    async run(context, { adapter, adapters, certainty, labels, host, port, origin, device, audit }, model, images) {
      const { automatic, namedAdapters, serveModel } = await import('../../server/index.js');
      const { chooseDevice } = await import('../../torch/index.js');
      const { signal, given } = context;
      const isAuto = adapter.includes(automatic);
      if (isAuto !== (adapters !== undefined) || (!isAuto && given.certainty !== undefined))
        throw cliError('OPTION_INVALID', {
          ...{ problems: '--adapters, and --certainty, go with --adapter auto', command: 'serve' },
        });
      const named = namedAdapters(adapter, adapters === undefined ? undefined : { folder: adapters, certainty });
      const served = { model, adapters: named, device: chooseDevice(device) };
      const folders = { images, labels: labels ?? join(dirname(resolve(images)), 'labels') };
      const options = { ...served, ...folders, host, port, origins: origin, audit: { given, audit }, signal };
      await endsWell(context, () => context.follow(told((tell) => serveModel({ ...options, tell }))));
      context.print({ ...folders, stopped: true }, () => `Stopped; the labels are in ${folders.labels}.`);
    },
  });
