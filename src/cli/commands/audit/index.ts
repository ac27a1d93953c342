/** `graft audit`: what commands noted beside their results, and coordinators and sites in their journals. */
import type { Command } from 'commander';
import { registerShow } from './show.js';
import { registerVerify } from './verify.js';

export function registerAudit(program: Command): void {
  const group = program
    .command('audit')
    .helpCommand(false)
    .summary('Read and verify what was done')
    .description(
      'Read and verify graft-audit.jsonl, in which convert, train, adapt and predict note who did what, when, with which\n' +
        'model, to which images, and journal.jsonl, in which a coordinator or a site signs what it did. Each line holds the\n' +
        'hash of the one before.',
    )
    .addHelpText(
      'after',
      `
Examples:
  # who made these masks, and with what
  graft audit show predictions

  # was anything in the coordinator's journal changed?
  graft audit verify fed

  # options and examples of one of them
  graft audit verify --help`,
    );
  for (const register of [registerShow, registerVerify]) register(group);
}
