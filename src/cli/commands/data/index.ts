/** `graft data`: what a folder of images holds, whether it is whole, DICOM as volumes, and DICOM without names. */
import type { Command } from 'commander';
import { registerCheck } from './check.js';
import { registerConvert } from './convert.js';
import { registerDeidentify } from './deidentify.js';
import { registerInspect } from './inspect.js';
import { registerWhois } from './whois.js';

export function registerData(program: Command): void {
  const group = program
    .command('data')
    .helpCommand(false)
    .summary('Look at images, check data sets, convert and de-identify DICOM')
    .description('Look at images before training, check data sets, convert and de-identify DICOM.')
    .addHelpText(
      'after',
      `
Examples:
  # what is there, and what needs a choice before training
  graft data inspect data/brain

  # options and examples of one of them
  graft data inspect --help`,
    );
  for (const register of [registerInspect, registerCheck, registerConvert, registerDeidentify, registerWhois])
    register(group);
}
