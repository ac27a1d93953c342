/** `graft pacs get`: a study of an archive as files. */
import type { Command } from 'commander';
import { auditOption, startAudit } from '../../audit.js';
import { defineCommand } from '../../command.js';
import { count } from '../../format.js';
import { archiveOptions, checkTls } from '../../pacs.js';

export const registerGet = (group: Command): void =>
  defineCommand(group, {
    name: 'get',
    summary: 'Bring a study or series here',
    details:
      'Asks the archive by WADO-RS for each image as it is stored and writes OUT/STUDY/SERIES/IMAGE.dcm under pseudonyms. ' +
      'What is there already with the right SHA-256 (OUT/retrieved.jsonl) is not asked for again, so an interrupted command ' +
      'is given again and goes on. The files name the patient, as the archive’s do.',
    arguments: { '<address>': 'ARCHIVE/studies/UID, or that with /series/UID', '<out>': 'folder for the files' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({ ...archiveOptions(z), ...auditOption(z) });
    },
    examples: [
      ['graft pacs get https://pacs.example.org/dicom-web/studies/1.2.3 studies', 'a study'],
      [
        'graft pacs get https://pacs.example.org/dicom-web/studies/1.2.3/series/1.2.3.4 studies --ca hospital-ca.pem',
        'a series, from an archive with the hospital’s own authority',
      ],
    ],
    async run(context, { audit, ...options }, address, out) {
      const { retrieveStudy, studyAt } = await import('../../../pacs/index.js');
      checkTls('pacs get', options, address);
      const wanted = studyAt(address, options);
      const done = await context.follow(retrieveStudy(wanted, out, context.signal));
      using record = await startAudit(context, 'pacs get', { folder: out, audit });
      for (const file of done.files) record.writes(file);
      record.finish();
      context.print(
        { out, ...done },
        () => `${out}: ${count(done.retrieved)} images, ${count(done.present)} there already.`,
      );
    },
  });
