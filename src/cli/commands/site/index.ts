/** `graft site`: what runs in a hospital. */
import type { Command } from 'commander';
import { registerReceive } from './receive.js';
import { registerRequest } from './request.js';
import { registerRun } from './run.js';

export function registerSite(program: Command): void {
  const group = program
    .command('site')
    .helpCommand(false)
    .summary('Take part in a study across hospitals; segment what scanners send')
    .description(
      'Take part in a study across hospitals: images stay here, and the hospital’s policy.yaml is obeyed. Segment what ' +
        'scanners send, beside that or alone.',
    )
    .addHelpText(
      'after',
      `
Examples:
  # keys that stay here, and a request for the coordinator
  graft site request --name site-a --out site-a.request

  # masks for what a scanner sends
  graft site receive --model model.safetensors --out received --send-to PACS@10.0.0.2:104

  # options and examples of one of them
  graft site request --help`,
    );
  for (const register of [registerRequest, registerRun, registerReceive]) register(group);
}
