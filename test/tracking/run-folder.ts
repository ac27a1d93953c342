/** A run's folder with nothing but a log. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunFolder } from '../../src/studies/index.js';

export const temporary = () => mkdtempSync(join(tmpdir(), 'graft-tracking-'));

/** Opens `FOLDER/run`, or opens it again. */
export const openRun = (folder: string): RunFolder =>
  new RunFolder(join(folder, 'run'), { seeds: [1] }, { resume: true });

export const logEpochs = (run: RunFolder, epochs: readonly number[], task = 'network'): void => {
  for (const epoch of epochs)
    run.log({ seed: 1, kind: 'epoch', task, epoch, values: { loss: 1 / (epoch + 1), dice: 0.5 } });
};
