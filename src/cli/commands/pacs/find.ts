/** `graft pacs find`: studies of an archive. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';
import { archiveOptions, checkTls } from '../../pacs.js';
import { formatTable } from '../../table.js';

export const registerFind = (group: Command): void =>
  defineCommand(group, {
    name: 'find',
    summary: 'List studies of an archive',
    details:
      'Asks the archive by QIDO-RS. An asterisk in a name stands for any letters. Patients appear under pseudonyms; dates, ' +
      'descriptions and identifiers of studies are the archive’s own, so the list is as confidential as they are.',
    arguments: { '<archive>': 'address of its DICOMweb service' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({
        patientId: z.string().min(1).optional().describe('identifier of the patient'),
        patientName: z.string().min(1).optional().describe('such as "DOE^J*"'),
        accession: z.string().min(1).optional().describe('accession number'),
        date: z
          .string()
          .regex(/^(\d{8}(-(\d{8})?)?|-\d{8})$/, 'expected YYYYMMDD or YYYYMMDD-YYYYMMDD')
          .optional()
          .describe('day of the study, or a range such as 20240501-20240531'),
        modality: z.string().min(1).optional().describe('CT, MR, …'),
        study: z.string().min(1).optional().describe('unique identifier of the study'),
        limit: z.int().min(1).max(10_000).default(100).describe('the most studies'),
        ...archiveOptions(z),
      });
    },
    examples: [
      ['graft pacs find https://pacs.example.org/dicom-web --modality CT --date 20240501-20240531', 'CT of a month'],
      ['graft pacs find https://pacs.example.org/dicom-web --patient-id 4711 --json', 'for a program'],
    ],
    async run(context, { ca, certificate, key, credentials, plainHttp, ...search }, address) {
      const { archiveAt, findStudies } = await import('../../../pacs/index.js');
      const files = { ca, certificate, key };
      checkTls('pacs find', files, address);
      const archive = archiveAt(address, { ...files, credentials, plainHttp });
      const studies = await findStudies(archive, search, context.signal);
      context.print({ studies }, () =>
        [
          formatTable(
            ['patient', 'date', 'modalities', 'description', 'series', 'images', 'study'],
            studies.map(({ patient, date, modalities, description, series, images, study }) => [
              ...[patient, date, modalities.join(' '), description, series, images, study],
            ]),
            { width: context.width },
          ),
          ...(studies.length === search.limit ? [`The first ${search.limit}; --limit asks for more.`] : []),
        ].join('\n'),
      );
    },
  });
