/** `graft export`: models and adapters for other programs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { auditOption, startAudit } from '../audit.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';

export const registerExport = (program: Command): void =>
  defineCommand(program, {
    name: 'export',
    summary: 'Write a model or an adapter in the form of other programs',
    details:
      '--format peft writes an adapter of LoRA or ConvLoRA as the Python package peft keeps one: the folder OUT with ' +
      'adapter_config.json and adapter_model.safetensors, for the network of the reference code with the base’s weights. ' +
      '--format weights writes these weights, with the adapter merged in where one is named, as safetensors under the ' +
      'names of the reference code. How images are prepared is not part of either; --json tells it.',
    arguments: { '<model>': 'a file that graft wrote, or a checkpoint that it reads' },
    options: async () => {
      const [{ z }, { scalings }] = await Promise.all([import('zod'), import('../../networks/index.js')]);
      return z.strictObject({
        adapter: z.string().optional().describe('an adapter made for this model'),
        format: z.enum(['peft', 'weights']).describe('peft: the adapter alone; weights: the whole network'),
        out: z.string().describe('a new folder for peft, a new file for weights'),
        scaling: z
          .enum(scalings as [string, ...string[]])
          .optional()
          .describe('how a published checkpoint of Segment Anything expects its images'),
        ...auditOption(z),
      });
    },
    examples: [
      [
        'graft export runs/hippocampus/models/seed1.safetensors --format peft \\\n    --adapter runs/hippocampus/adapters/seed1/flap-sam/federated.safetensors --out flap-sam',
        'for PeftModel.from_pretrained(network, "flap-sam")',
      ],
      ['graft export runs/hippocampus/models/seed1.safetensors --format weights --out base.safetensors', 'its base'],
      [
        'graft export model.safetensors --adapter hospital-b.safetensors --format weights --out hospital-b-merged.safetensors',
        'one network without an adapter',
      ],
    ],
    async run(context, { adapter, format, out, scaling, audit }, file) {
      const { exportPeft, exportWeights, loadAdapter, loadSegmenter } = await import('../../segmenter/index.js');
      const invalid = (problems: string) => cliError('OPTION_INVALID', { problems, command: 'export' });
      if (format === 'peft' && adapter === undefined) throw invalid('--format peft needs an --adapter');
      const target = format === 'peft' ? join(out, 'adapter_config.json') : out;
      if (existsSync(target)) throw cliError('OUTPUT_EXISTS', { file: target });
      using model = loadSegmenter(file, { scaling });
      if (adapter !== undefined) model.use(loadAdapter(adapter));
      const { preprocessing, classes } = model;
      const done = format === 'peft' ? exportPeft(model, out) : { files: [out] };
      if (format === 'weights') exportWeights(model, out);
      using record = await startAudit(context, 'export', { folder: format === 'peft' ? out : join(out, '..'), audit });
      record.uses('model', file);
      if (adapter !== undefined) record.uses('adapter', adapter);
      for (const written of done.files) record.writes(written);
      record.finish();
      context.print({ ...done, preprocessing, classes }, () =>
        'adapted' in done
          ? `${out}: ${done.adapted.length} layers with factors, ${done.saved.length} modules that are kept whole.`
          : `${out}: weights under the names of the reference code. They expect images as graft prepares them (--json).`,
      );
    },
  });
