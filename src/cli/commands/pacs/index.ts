/** `graft pacs`: an archive over DICOMweb, and peers that speak DICOM's own protocol. */
import type { Command } from 'commander';
import { registerEcho } from './echo.js';
import { registerFind } from './find.js';
import { registerGet } from './get.js';
import { registerSend } from './send.js';

export function registerPacs(program: Command): void {
  const group = program
    .command('pacs')
    .helpCommand(false)
    .summary('Find, bring and send studies of an archive')
    .description('Find, bring and send studies of an archive.')
    .addHelpText(
      'after',
      `
Examples:
  # CT studies of a month
  graft pacs find https://pacs.example.org/dicom-web --modality CT --date 20240501-20240531

  # options and examples of one of them
  graft pacs get --help`,
    );
  for (const register of [registerFind, registerGet, registerSend, registerEcho]) register(group);
}
