/** `graft pacs send`: DICOM files into an archive. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';
import { count } from '../../format.js';
import { archiveOptions } from '../../pacs.js';

export const registerSend = (group: Command): void =>
  defineCommand(group, {
    name: 'send',
    summary: 'Send DICOM files, such as masks, to an archive',
    details:
      'Sends each DICOM file by STOW-RS, from folders at any depth; other files are passed over. An archive takes a file ' +
      'twice without harm, so an interrupted command is given again.',
    arguments: { '<archive>': 'address of its DICOMweb service', '<paths...>': 'DICOM files, and folders of them' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject(archiveOptions(z));
    },
    examples: [['graft pacs send https://pacs.example.org/dicom-web segmentations', 'what "graft predict" wrote']],
    async run(context, options, address, ...paths) {
      const { archiveAt, filesToSend, sendFiles } = await import('../../../pacs/index.js');
      const archive = archiveAt(address, options);
      const sent = await context.follow(sendFiles(archive, filesToSend(paths), context.signal));
      context.print({ archive: archive.url.href, sent }, () => `${archive.url.host}: took ${count(sent)} files.`);
    },
  });
