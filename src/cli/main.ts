#!/usr/bin/env node
/** The command `graft`. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { exitCodes } from '../core/index.js';
import { registerAdapt } from './commands/adapt.js';
import { registerAudit } from './commands/audit/index.js';
import { registerCompare } from './commands/compare.js';
import { registerCoordinator } from './commands/coordinator/index.js';
import { registerData } from './commands/data/index.js';
import { registerDoctor } from './commands/doctor.js';
import { registerEvaluate } from './commands/evaluate.js';
import { registerExport } from './commands/export.js';
import { registerFederate } from './commands/federate.js';
import { registerFederation } from './commands/federation/index.js';
import { registerPacs } from './commands/pacs/index.js';
import { registerPage } from './commands/page.js';
import { registerParams } from './commands/params.js';
import { registerPhantom } from './commands/phantom.js';
import { registerPredict } from './commands/predict.js';
import { registerPretrain } from './commands/pretrain.js';
import { registerRun } from './commands/run.js';
import { registerServe } from './commands/serve.js';
import { registerSite } from './commands/site/index.js';
import { registerTrain } from './commands/train.js';
import { runProgram } from './run-command.js';

const meanings: Record<keyof typeof exitCodes, string> = {
  internal: 'a defect in graft',
  usage: 'the command line or a recipe is wrong',
  data: 'an image, label or data set is missing or wrong',
  model: 'a checkpoint or adapter is wrong or does not fit',
  engine: 'libtorch or the device is not available',
  system: 'a file could not be written, a port is taken, …',
  doubtful: 'done, but a mask is warned of (predict --strict)',
  interrupted: 'ended by Ctrl-C or SIGTERM',
};

const help = `
Getting started:
  graft doctor                 is everything there?
  graft run phantom-scanners   a whole experiment on generated images
  graft run phantom-federated  the same for federated fine-tuning
  graft params                 how small an adapter is
  graft COMMAND --help         options and examples of a command

Exit codes:
${[['0', 'done'], ...Object.entries(exitCodes).map(([name, code]) => [code, meanings[name as keyof typeof meanings]])]
  .map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`)
  .join('\n')}`;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const program = new Command('graft')
  .description("Adapts medical segmentation networks to a hospital's own images with small adapters.")
  .version(version)
  .option('--json', 'print the result as JSON on stdout, one document a line, and nothing else')
  .option('--quiet', 'show no progress')
  .configureHelp({ showGlobalOptions: true })
  .helpCommand(false)
  .addHelpText('after', help)
  // Errors are shown in one place, by runProgram.
  .configureOutput({ outputError: () => {} })
  .exitOverride();

const commands = [
  registerRun,
  registerFederate,
  registerFederation,
  registerCoordinator,
  registerSite,
  registerTrain,
  registerAdapt,
  registerPretrain,
  registerPredict,
  registerServe,
  registerExport,
  registerEvaluate,
  registerCompare,
  registerPage,
  registerParams,
  registerPhantom,
  registerData,
  registerPacs,
  registerAudit,
  registerDoctor,
];
for (const register of commands) register(program);

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const argv = process.argv.slice(2);
await runProgram(program, argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv);
