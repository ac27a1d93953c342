/** `graft audit`: what commands noted beside their results, and whether it is as they noted it. */
import type { Command } from 'commander';
import { registerShow } from './show.js';
import { registerVerify } from './verify.js';

export function registerAudit(program: Command): void {
  const group = program
    .command('audit')
    .helpCommand(false)
    .summary('Read and verify what commands noted beside their results')
    .description(
      'Read and verify graft-audit.jsonl, in which convert, train, adapt and predict note who did what, when, with which\n' +
        'model, to which images. Each line holds the hash of the one before.',
    )
    .addHelpText(
      'after',
      `
Examples:
  # who made these masks, and with what
  graft audit show predictions

  # options and examples of one of them
  graft audit verify --help`,
    );
  for (const register of [registerShow, registerVerify]) register(group);
}
