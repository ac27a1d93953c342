/** `graft site`: a hospital's part of a study. */
import type { Command } from 'commander';
import { registerRequest } from './request.js';
import { registerRun } from './run.js';

export function registerSite(program: Command): void {
  const group = program
    .command('site')
    .helpCommand(false)
    .summary('Take part in a study across hospitals')
    .description('Take part in a study across hospitals: images stay here, and the hospital’s policy.yaml is obeyed.')
    .addHelpText(
      'after',
      `
Examples:
  # keys that stay here, and a request for the coordinator
  graft site request --name site-a --out site-a.request

  # options and examples of one of them
  graft site request --help`,
    );
  for (const register of [registerRequest, registerRun]) register(group);
}
