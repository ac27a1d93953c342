/** `graft coordinator`: a study's coordinator as a program. */
import type { Command } from 'commander';
import { registerRun } from './run.js';

export function registerCoordinator(program: Command): void {
  const group = program
    .command('coordinator')
    .helpCommand(false)
    .summary('Run the coordinator of a study across hospitals')
    .description(
      'Run the coordinator of a study across hospitals, from the folder that "graft federation create" made.',
    )
    .addHelpText(
      'after',
      `
Examples:
  # rounds, until they are done; the broker too
  graft coordinator run fed/ --with-broker

  # options and examples
  graft coordinator run --help`,
    );
  registerRun(group);
}
