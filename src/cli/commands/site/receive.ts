/** `graft site receive`: studies from scanners, segmented and sent back. */
import type { Command } from 'commander';
import { told } from '../../../core/index.js';
import { auditOption } from '../../audit.js';
import { certaintyOption } from '../../certainty.js';
import { defineCommand } from '../../command.js';
import { endsWell } from '../../ending.js';
import { cliError } from '../../errors.js';
import { archiveOptions, checkTls } from '../../pacs.js';

export const registerReceive = (group: Command): void =>
  defineCommand(group, {
    name: 'receive',
    summary: 'Segment the studies that scanners send (C-STORE), and send the masks back',
    details:
      'Listens for C-ECHO and C-STORE. An image is acknowledged when it is on the disk. When nothing of a study has come for ' +
      'a while, its series are segmented, and the masks (DICOM-SEG) are kept in OUT/studies/STUDY/masks and sent to --send-to ' +
      'by C-STORE or STOW-RS. Stopped or killed at any moment, the same command goes on; no series is done twice. Which model ' +
      'a series gets is said by --model, with an adapter or the one of --adapters that it looks most like, or by rules. OUT ' +
      'holds patients’ images, so protect it as you protect the archive, which it does not replace; OUT/receiver.jsonl says what was done, under ' +
      'pseudonyms. Ctrl-C ends it when what is being stored is stored.',
    options: async () => {
      const { z } = await import('zod');
      const positive = z.number().positive();
      return z.strictObject({
        out: z.string().describe('folder for images, masks and the log'),
        model: z.string().optional().describe('the model for all series'),
        adapter: z.string().optional().describe('an adapter made for this model'),
        adapters: z
          .string()
          .optional()
          .describe('folder with an adapter for each scanner; each series gets the one that fits'),
        ...certaintyOption(z),
        rules: z
          .string()
          .optional()
          .describe('YAML file that chooses models by what series’ headers say, in place of --model'),
        aet: z.string().default('GRAFT').describe('title by which this program is called, and calls others'),
        host: z.string().default('127.0.0.1').describe('address to listen at; 0.0.0.0 for all of this machine'),
        port: z.int().min(0).max(65_535).default(11_112).describe('0 for any that is free'),
        allow: z
          .array(z.string())
          .default([])
          .describe(
            'who may send: TITLE@ADDRESS or TITLE@NETWORK/BITS; needed unless only this machine is listened to',
          ),
        callersCa: z
          .string()
          .optional()
          .describe('PEM file of the authority that has to have signed the certificate of each who sends'),
        sendTo: z
          .string()
          .optional()
          .describe(
            'where masks are sent: TITLE@HOST:PORT, tls://TITLE@HOST:PORT, or an archive’s address (https://… or dicomweb://…)',
          ),
        ...archiveOptions(z),
        certificate: z
          .string()
          .optional()
          .describe('PEM file of this program’s certificate; with it, studies are taken over TLS alone'),
        quietSeconds: positive.default(60).describe('after which a study counts as whole'),
        keepFreeGb: z
          .number()
          .min(0)
          .default(10)
          .describe('free space on the disk below which images are refused (0xA700)'),
        maxInstanceMb: positive.max(2047).default(2047).describe('the largest image that is taken'),
        maxStudyGb: positive.default(20).describe('the most that the images of a study may take'),
        maxAssociations: z.int().min(1).max(256).default(16).describe('the most connections at once'),
        keepDays: z
          .number()
          .min(0)
          .default(7)
          .describe('after which images of studies that are done are removed; masks stay'),
        codes: z.string().optional().describe('YAML or JSON file with codes and colours of classes'),
        report: z.boolean().default(false).describe('send the volumes as a structured report, too'),
        empty: z.boolean().default(false).describe('make a mask also where nothing was segmented'),
        device: z.string().default('auto').describe('auto, cpu, cuda or cuda:N'),
        ...auditOption(z),
      });
    },
    groups: {
      'What is made of them': [
        'model',
        'adapter',
        'adapters',
        'certainty',
        'rules',
        'codes',
        'report',
        'empty',
        'device',
      ],
      'Who sends, and who gets the masks': [
        ...[
          'aet',
          'host',
          'port',
          'allow',
          'certificate',
          'key',
          'callersCa',
          'sendTo',
          'credentials',
          'ca',
          'plainHttp',
        ],
      ],
      Limits: ['quietSeconds', 'keepFreeGb', 'maxInstanceMb', 'maxStudyGb', 'maxAssociations', 'keepDays'],
    },
    examples: [
      [
        'graft site receive --out received --model brain.safetensors --adapters adapters \\\n    --host 0.0.0.0 --allow MR1@10.0.0.7 --send-to PACS@10.0.0.2:104',
        'a scanner, and an archive that gets the masks by C-STORE',
      ],
      [
        'graft site receive --out received --rules rules.yaml --host 0.0.0.0 --allow PACS@10.0.0.2 \\\n    --send-to https://pacs.example.org/dicom-web --credentials pacs.credentials',
        'models by rules, masks by STOW-RS',
      ],
      [
        'graft site receive --out received --model brain.safetensors --host 0.0.0.0 --port 2762 --allow MR1@10.0.0.7 \\\n    --certificate graft.pem --key graft.key --callers-ca hospital-ca.pem',
        'over TLS, from callers whose certificate the hospital signed',
      ],
      ['graft site receive --out received --model model.safetensors', 'for programs on this machine alone'],
    ],
    async run(context, options) {
      const { out, aet, host, port, allow, sendTo, codes, report, empty, audit } = options;
      const { isTitle, destinationAt, tlsService } = await import('../../../pacs/index.js');
      const { receiveStudies } = await import('../../../receiver/index.js');
      const { chooseDevice } = await import('../../../torch/index.js');
      const { signal, given } = context;
      if (!isTitle(aet)) throw invalid('--aet: expected 1 to 16 printable characters');
      const rules = await rulesOf(options, given);
      checkTls('site receive', { ca: options.ca }, sendTo);
      if (options.callersCa !== undefined && options.certificate === undefined)
        throw invalid('--callers-ca is for --certificate');
      const tls = tlsService(options);
      const destination = sendTo === undefined ? undefined : destinationAt(sendTo, options);
      const limits = {
        instanceBytes: options.maxInstanceMb * 2 ** 20,
        studyBytes: options.maxStudyGb * 1e9,
        freeBytes: options.keepFreeGb * 1e9,
      };
      const receiver = {
        ...{ title: aet, host, port, tls, allow, out, rules, destination, limits, codes, report, empty },
        ...{ quietSeconds: options.quietSeconds, associations: options.maxAssociations, keepDays: options.keepDays },
        ...{ device: chooseDevice(options.device), audit: { given, audit }, signal },
      };
      await endsWell(context, () => context.follow(told((tell) => receiveStudies({ ...receiver, tell }))));
      context.print(
        { out, stopped: true },
        () => `Stopped; the same command goes on. Masks and the log are in ${out}.`,
      );
    },
  });

const invalid = (problems: string) => cliError('OPTION_INVALID', { problems, command: 'site receive' });

interface Chosen {
  model?: string | undefined;
  adapter?: string | undefined;
  adapters?: string | undefined;
  certainty: number;
  rules?: string | undefined;
}

/** The rules of the file, or one for all series. */
async function rulesOf(
  { model, adapter, adapters, certainty, rules }: Chosen,
  given: Readonly<Record<string, unknown>>,
) {
  const { readRules } = await import('../../../receiver/index.js');
  if ((model === undefined) === (rules === undefined))
    throw invalid('name a model with --model, or rules with --rules');
  if (rules !== undefined) {
    if (adapter ?? adapters ?? given.certainty) throw invalid('with --rules, adapters are named in the rules');
    return readRules(rules);
  }
  if (adapter !== undefined && adapters !== undefined) throw invalid('--adapter and --adapters exclude each other');
  if (given.certainty !== undefined && adapters === undefined) throw invalid('--certainty is for --adapters');
  return [
    {
      when: {},
      model: model!,
      ...(adapter && { adapter }),
      ...(adapters && { adapters: { folder: adapters, certainty } }),
    },
  ];
}
