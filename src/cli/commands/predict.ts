/** `graft predict`: masks for volumes. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../../core/index.js';
import type { ImageSource, Mask, Outputs, Routing, RoutingOptions, Segment } from '../../jobs/index.js';
import { auditOption, startAudit } from '../audit.js';
import { certaintyOption } from '../certainty.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import { count } from '../format.js';
import { checkTls, destinationOptions } from '../pacs.js';
import { parsePrompt } from '../prompt.js';
import { told } from '../run-command.js';

export const registerPredict = (program: Command): void =>
  defineCommand(program, {
    name: 'predict',
    summary: 'Segment volumes with a model and an adapter',
    details:
      'Writes OUT/CASE.nii.gz for every image: labels on the image’s own grid, with its affine and header. A folder stands ' +
      'for the NIfTI files and the DICOM series in it, a site of a data set for its images; masks of DICOM are named by ' +
      'pseudonyms of patient and series. An image that cannot be used is named at the end and stops no other. OUT/volumes.csv ' +
      'has the volume of every class. An image, or an answer to it, that is not like the model’s source is warned of, with ' +
      `the numbers, also in the table and beside the mask; with --strict the exit code is then ${exitCodes.doubtful}. ` +
      '--format nnunet leaves the number of the channel out of the names and writes dataset.json; --format bids makes a ' +
      'derivative of images that are named as in BIDS. ' +
      '--format dicom-seg writes OUT/CASE.dcm that refers to the source series, with --report also the volumes as a ' +
      'structured report (OUT/CASE.sr.dcm); --format rtstruct writes contours (OUT/CASE.rtstruct.dcm). They carry the ' +
      'patient’s name as the source does, so that an archive can file them. Without an ' +
      'adapter the base model is used as it is; with --adapter auto each image gets the one of --adapters that it looks ' +
      'most like, or none. A model of Segment Anything also answers a prompt: what is meant on one ' +
      'slice, by points (point X,Y,Z; outside X,Y,Z) and a box (box X,Y,Z,X,Y,Z) in voxels of the file from 0, or in ' +
      'millimetres of its world after the word mm. Foundations answer prompts alone, and so do checkpoints of ' +
      'segment-anything and MedSAM as they are published, with --scaling.',
    arguments: {
      '<model>':
        'a file that "graft train", "graft pretrain" or a run wrote, a published checkpoint, or a folder that nnU-Net v2 trained',
      '[images...]': 'NIfTI files (.nii, .nii.gz), DICOM files, folders of either; none with --from',
    },
    options: async () => {
      const [{ z }, { scalings }] = await Promise.all([import('zod'), import('../../networks/index.js')]);
      return z.strictObject({
        adapter: z
          .string()
          .optional()
          .describe('a file from a run’s adapters folder, made for this model; auto: the one of --adapters that fits'),
        adapters: z.string().optional().describe('folder with an adapter for each scanner, for --adapter auto'),
        ...certaintyOption(z),
        prompt: z.string().optional().describe('what to segment on one slice of one image, such as "point 30,42,18"'),
        scaling: z
          .enum(scalings as [string, ...string[]])
          .optional()
          .describe('how a published checkpoint of Segment Anything expects its images; its file does not say'),
        out: z.string().default('predictions').describe('folder for the masks'),
        format: z
          .enum(['nifti', 'nnunet', 'bids', 'dicom-seg', 'rtstruct'])
          .default('nifti')
          .describe(
            'of the masks; nnunet and bids: NIfTI under names of these; dicom-seg and rtstruct for DICOM series alone',
          ),
        from: z
          .string()
          .optional()
          .describe(
            'study or series of an archive: ARCHIVE/studies/UID, or that with /series/UID; kept in OUT/retrieved',
          ),
        to: z
          .string()
          .optional()
          .describe(
            'where the masks are sent as DICOM: an archive’s address, or TITLE@HOST:PORT for C-STORE, tls://TITLE@HOST:PORT over TLS',
          ),
        ...destinationOptions(z),
        report: z.boolean().default(false).describe('write the volumes as a structured report beside a DICOM-SEG'),
        codes: z
          .string()
          .optional()
          .describe(
            'YAML or JSON file with codes and colours of classes for masks as DICOM; default: common organs by name',
          ),
        skipExisting: z.boolean().default(false).describe('make only the masks that are not there yet'),
        overwrite: z.boolean().default(false).describe('make masks anew that are there already'),
        empty: z.boolean().default(false).describe('write a mask as DICOM also where nothing was segmented'),
        strict: z
          .boolean()
          .default(false)
          .describe(`exit code ${exitCodes.doubtful} where a mask is warned of, for scripts`),
        device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
        ...auditOption(z),
      });
    },
    examples: [
      ['graft predict model.safetensors scan.nii.gz', 'writes predictions/scan.nii.gz'],
      [
        'graft predict runs/brain/models/seed1.safetensors data/lju-t2 \\\n    --adapter runs/brain/adapters/seed1/lju-t2/convlora-adabn.safetensors --out masks',
        'a whole site with its adapter',
      ],
      [
        'graft predict brain.safetensors /export/2024-05 --adapter auto --adapters adapters',
        'each scan with the adapter of its scanner',
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
        'graft predict model.safetensors --format dicom-seg \\\n    --from https://pacs.example.org/dicom-web/studies/1.2.3 --to https://pacs.example.org/dicom-web',
        'from an archive and back, with a password in GRAFT_PACS_USER and GRAFT_PACS_PASSWORD',
      ],
      ['graft predict model.safetensors /export/2024-05 --format rtstruct', 'contours, for planning a radiotherapy'],
      [
        'graft predict foundation.safetensors scan.nii.gz --prompt "point 30,42,18 outside 10,12,18"',
        'what you point at',
      ],
      ['graft predict nnUNetTrainer__nnUNetPlans__2d scan.nii.gz', 'with what nnU-Net v2 trained in two dimensions'],
      [
        'graft predict medsam_vit_b.pth scan.nii.gz --scaling medsam --prompt "box 20,30,18,60,70,18"',
        'with a checkpoint as it was published',
      ],
    ],
    async run(context, options, modelFile, ...images) {
      const { prompt, scaling, out, format, report, codes, existing, empty, strict, device, audit } = {
        ...options,
        existing: chosen(options),
      };
      const { chooseDevice } = await import('../../torch/index.js');
      const { readSegmentCodes } = await import('../../data/index.js');
      const {
        algorithmOf,
        checkOutputs,
        findImages,
        isDicomFormat,
        loadPredictor,
        noteMask,
        reportFile,
        segmentImages,
      } = await import('../../jobs/index.js');
      const invalid = (problem: string) => cliError('OPTION_INVALID', { problems: problem, command: 'predict' });
      const { from, to } = options;
      const [adapter, adapters] = adaptersOf(options, context.given, invalid);
      if ((from === undefined) === (images.length === 0)) throw invalid('name images, or a study with --from');
      if (to !== undefined && !isDicomFormat(format)) throw invalid('--to is for --format dicom-seg or rtstruct');
      checkTls('predict', options, from, to);
      const pacs = from === undefined && to === undefined ? undefined : await import('../../pacs/index.js');
      const destination = to === undefined ? undefined : pacs?.destinationAt(to, options);
      const brought =
        from === undefined
          ? undefined
          : await context.follow(
              pacs!.retrieveStudy(pacs!.studyAt(from, options), join(out, 'retrieved'), context.signal),
            );
      const paths = brought ? [brought.folder] : images;
      const { sources, problems } = findImages(paths, format);
      const outputs = { out, format, existing };
      checkOutputs(sources, outputs);
      if (codes !== undefined && !isDicomFormat(format)) throw invalid('--codes is for --format dicom-seg or rtstruct');
      if (report && format !== 'dicom-seg') throw invalid('--report is for --format dicom-seg');
      const given = codes === undefined ? undefined : readSegmentCodes(codes);
      if (prompt !== undefined && sources.length > 1) throw invalid('--prompt is about one image');
      const asked = prompt === undefined ? undefined : parsePrompt(prompt);
      const model = loadPredictor(modelFile, { device: chooseDevice(device), scaling, adapter, adapters });
      if (asked && !model.prompt) throw invalid(`--prompt: ${modelFile} is no Segment Anything model`);
      if (!asked && !model.segment) throw invalid(`--prompt is required: ${modelFile} answers prompts alone`);
      const classes = model.classes.length > 0 ? model.classes : ['prompted'];
      const segment: Segment = (volume, tags) => (asked ? model.prompt!(volume, asked) : model.segment!(volume, tags));

      const algorithm = !isDicomFormat(format) ? undefined : algorithmOf(modelFile);
      const segmentation = algorithm && {
        codes: given,
        algorithm: (routing?: Routing) => algorithm(routing ? routing.adapter : adapter),
      };

      using record = await startAudit(context, 'predict', { folder: out, audit });
      record.uses('model', modelFile);
      if (adapter) record.uses('adapter', adapter);
      const made = (mask: Mask, source: ImageSource) => noteMask(record, mask, source);
      const done = await context.follow(
        segmentImages(sources, {
          ...outputs,
          segment,
          classes,
          ...(segmentation && { segmentation }),
          empty,
          report,
          made,
        }),
      );
      const { masks, skipped, failures, table } = done;
      // Of a single file nothing else is to be told.
      if (sources.length === 1 && sources[0].path !== undefined && failures.length === 1) throw failures[0].error;
      const faults = failures.map(({ image, error }) => ({ image, error: told(error) }));
      // Masks of an interrupted command are there, but were perhaps not sent.
      const results = [...masks.flatMap(({ mask }) => mask ?? []), ...skipped];
      const sending = results.flatMap((mask) => [mask, reportFile(mask)]).filter((file) => existsSync(file));
      const sent =
        destination && sending.length > 0
          ? await context.follow(pacs!.sendFiles(destination, sending, context.signal))
          : 0;
      for (const { image, error } of faults) record.warns(`no mask of ${basename(image)}: ${error.code}`);
      record.finish();
      const notes = problems.filter(({ stops }) => !stops);
      const doubtful = masks.filter(({ warnings }) => warnings.length > 0).length;
      const unchecked = asked ? [] : model.unchecked;
      const result = {
        ...{
          masks,
          skipped,
          table,
          unchecked,
          notes,
          ...(destination && { sent }),
          ...(model.remark && { remark: model.remark }),
        },
        failures: faults.map(({ image, error: { code, message, hint } }) => ({ image, code, message, hint })),
      };
      context.print(result, () =>
        [
          ...faults.map(({ error: { message, hint } }) => `no mask: ${message} ${hint}`),
          ...notes.map(({ message }) => `note: ${message}`),
          ...(model.remark ? [`note: ${model.remark}`] : []),
          ...(unchecked.length > 0
            ? [`note: not compared with the model’s source, which it says nothing about: ${unchecked.join(', ')}`]
            : []),
          ...(skipped.length > 0 ? [`there already: ${count(skipped.length)}`] : []),
          ...(doubtful > 0
            ? [`unlike the model’s source, so not to be trusted unseen: ${doubtful} of ${masks.length}`]
            : []),
          ...(masks.length > 0 ? [`volumes: ${table}`] : []),
          ...(destination ? [`${pacs!.destinationName(destination)}: took ${count(sent)} files`] : []),
        ].join('\n'),
      );
      if (faults.length > 0) return faults[0].error.exitCode;
      return strict && doubtful > 0 ? exitCodes.doubtful : 0;
    },
  });

/** The one adapter, or those to choose from. @param invalid makes the error */
function adaptersOf(
  { adapter, adapters, certainty }: { adapter?: string | undefined; adapters?: string | undefined; certainty: number },
  given: Readonly<Record<string, unknown>>,
  invalid: (problem: string) => Error,
): [adapter?: string | undefined, adapters?: RoutingOptions] {
  if (adapter !== 'auto') {
    if (adapters !== undefined || given.certainty !== undefined)
      throw invalid('--adapters and --certainty are for --adapter auto');
    return [adapter];
  }
  if (adapters === undefined) throw invalid('--adapter auto needs a folder of them, named with --adapters');
  if (given.prompt !== undefined) throw invalid('--adapter auto is for whole images, not for --prompt');
  return [undefined, { folder: adapters, certainty }];
}

/** What becomes of masks that are there already. @throws GraftError OPTION_INVALID */
function chosen({ skipExisting, overwrite }: { skipExisting: boolean; overwrite: boolean }): Outputs['existing'] {
  if (skipExisting && overwrite)
    throw cliError('OPTION_INVALID', {
      ...{ problems: '--skip-existing and --overwrite exclude each other', command: 'predict' },
    });
  return skipExisting ? 'skip' : overwrite ? 'overwrite' : 'refuse';
}
