/** `graft data whois`: the patient that a pseudonym stands for. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';
import { formatTable } from '../../table.js';

export const registerWhois = (group: Command): void =>
  defineCommand(group, {
    name: 'whois',
    summary: 'Say which patient a pseudonym stands for, to who has the key and the images',
    details:
      'A pseudonym cannot be computed back: the DICOM files in FOLDER are given pseudonyms again under the key, and the ' +
      'patient whose pseudonym is the same is shown. Every answer is noted in an audit file (who asked for which pseudonym, ' +
      'and when; never the patient), before it is shown.',
    arguments: {
      '<pseudonym>': 'patient-1a2b3c4d, 003-5e6f7a8b, or the name of a file that was named by them',
      '<folder>': 'folder of DICOM files, such as the one that was converted',
    },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        key: z.string().optional().describe('the key’s file; default: ~/.config/graft/pseudonym.key'),
        audit: z.string().optional().describe('audit file; default: graft-audit.jsonl in the current folder'),
      });
    },
    examples: [
      ['graft data whois patient-1a2b3c4d /export/2024-05', 'whose mask is it?'],
      ['graft data whois patient-1a2b3c4d_003-5e6f7a8b.nii.gz /export --key old.key', 'of another machine'],
    ],
    async run(context, { key, audit }, pseudonym, folder) {
      const { whois } = await import('../../../data/index.js');
      const { AuditRecord } = await import('../../../audit/index.js');
      const record = new AuditRecord({ command: 'data whois', given: {}, audit, folder: '.' });
      const people = whois(pseudonym, folder, key);
      for (const one of people.flatMap((person) => person.series))
        record.reads(`${one.patient}_${one.series}`, ...one.files);
      record.finish();
      const found = people.map(({ series, ...person }) => ({
        ...person,
        series: series.map((one) => ({ patient: one.patient, series: one.series, files: one.files })),
      }));
      context.print({ found, audit: record.file }, () => {
        const header = ['patient ID', 'name', 'born', 'pseudonym', 'series', 'files'];
        const rows = found.flatMap(({ patientId, patientName, birthDate, series }) =>
          series.map((one) => [
            ...[patientId, patientName, birthDate, one.patient, one.series],
            String(one.files.length),
          ]),
        );
        return formatTable(header, rows, { width: context.width });
      });
    },
  });
