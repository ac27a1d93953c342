/** `graft pacs send`: DICOM files into an archive. */
import type { Command } from 'commander';
import { defineCommand } from '../../command.js';
import { count } from '../../format.js';
import { checkTls, destinationOptions } from '../../pacs.js';

export const registerSend = (group: Command): void =>
  defineCommand(group, {
    name: 'send',
    summary: 'Send DICOM files, such as masks, to an archive or a peer',
    details:
      'Sends each DICOM file, from folders at any depth; other files are passed over. An archive’s address stands for ' +
      'STOW-RS, TITLE@HOST:PORT for C-STORE, tls://TITLE@HOST:PORT for C-STORE over TLS. A file may be sent twice without harm, so an interrupted command is given again.',
    arguments: {
      '<archive>': 'address of its DICOMweb service, TITLE@HOST:PORT or tls://TITLE@HOST:PORT',
      '<paths...>': 'DICOM files, and folders of them',
    },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject(destinationOptions(z));
    },
    examples: [
      ['graft pacs send https://pacs.example.org/dicom-web segmentations', 'what "graft predict" wrote'],
      ['graft pacs send PACS@pacs.example.org:104 segmentations --aet GRAFT', 'the same by C-STORE'],
    ],
    async run(context, options, address, ...paths) {
      const { destinationAt, destinationName, filesToSend, sendFiles } = await import('../../../pacs/index.js');
      checkTls('pacs send', options, address);
      const destination = destinationAt(address, options);
      const sent = await context.follow(sendFiles(destination, filesToSend(paths), context.signal));
      const name = destinationName(destination);
      context.print(
        { archive: 'url' in destination ? destination.url.href : name, sent },
        () => `${name}: took ${count(sent)} files.`,
      );
    },
  });
