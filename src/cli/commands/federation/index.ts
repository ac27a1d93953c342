/** `graft federation`: a study across hospitals, as its coordinator's administrator sees it. */
import type { Command } from 'commander';
import { registerAdmit } from './admit.js';
import { registerCreate } from './create.js';
import { registerExtend } from './extend.js';
import { registerPause, registerResume } from './pause.js';
import { registerRevoke } from './revoke.js';
import { registerStatus, registerWatch } from './status.js';

export function registerFederation(program: Command): void {
  const group = program
    .command('federation')
    .helpCommand(false)
    .summary('Set up a study across hospitals, and say who takes part')
    .description(
      'Set up a study whose sites are at different hospitals, and say who takes part. docs/federation.md describes it from\n' +
        'the first file to the last round; "graft federate" simulates such a study on one machine.',
    )
    .addHelpText(
      'after',
      `
Examples:
  # keys, certificates, the signed study, and what runs the broker
  graft federation create study.yaml --out fed/

  # options and examples of one of them
  graft federation admit --help`,
    );
  for (const register of [
    registerCreate,
    registerAdmit,
    registerRevoke,
    registerStatus,
    registerWatch,
    registerPause,
    registerResume,
    registerExtend,
  ])
    register(group);
}
