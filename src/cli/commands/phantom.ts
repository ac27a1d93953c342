/** `graft phantom`: images of imaginary scanners with brain masks, to try everything on. */
import { existsSync, readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { isFolder } from '../../core/index.js';
import { defineCommand } from '../command.js';
import { cliError } from '../errors.js';
import type { ProgressEvent } from '../progress.js';

export const registerPhantom = (program: Command): void =>
  defineCommand(program, {
    name: 'phantom',
    summary: 'Make head volumes of imaginary scanners, with brain masks',
    details:
      'Writes FOLDER/SCANNER/{images,labels}/patientNN.nii.gz. The same options give the same voxels. ' +
      'Phantoms show that a method works, never how well it works on patients.',
    arguments: { '<folder>': 'a new or empty folder' },
    options: phantomOptions,
    examples: [
      ['graft phantom data/phantom', 'six cases of every scanner'],
      ['graft phantom data/small --cases 2 --spacing 4 --seed 7', 'few and coarse, other heads'],
    ],
    async run(context, { force, ...options }, folder) {
      const { generatePhantoms } = await import('../../data/index.js');
      const isFile = existsSync(folder) && !isFolder(folder);
      const found = isFile ? ['a file'] : existsSync(folder) ? readdirSync(folder).slice(0, 3) : [];
      if (isFile || (found.length > 0 && !force))
        throw cliError('FOLDER_NOT_EMPTY', { folder, found: found.join(', ') });

      // One scanner after another: a case does not depend on the others, and Ctrl-C is heard in between.
      async function* generate(): AsyncGenerator<ProgressEvent, void> {
        const total = options.scanners.length;
        yield { kind: 'task', name: 'phantoms', total };
        for (const [i, scanner] of options.scanners.entries()) {
          context.signal.throwIfAborted();
          generatePhantoms(folder, { ...options, scanners: [scanner] });
          yield { kind: 'step', done: i + 1, total };
        }
        yield { kind: 'done', name: 'phantoms' };
      }
      await context.follow(generate());
      const { scanners: sites, cases } = options;
      context.print(
        { folder, sites, cases, seed: options.seed, spacing: options.spacing },
        () => `${sites.length * cases} cases in ${folder}: ${cases} each of ${sites.join(', ')}`,
      );
    },
  });

async function phantomOptions() {
  const [{ z }, { phantomSchema }] = await Promise.all([import('zod'), import('../../data/index.js')]);
  const force = z.boolean().default(false).describe('write into a folder that is not empty');
  return phantomSchema.extend({ force });
}
