/**
 * What an administrator asks of a coordinator, in a file: it holds for one that runs, which notices the change, and for the
 * next that is started.
 */
import { existsSync, statSync } from 'node:fs';
import { z } from 'zod';
import {
  readFault,
  readRegularText,
  sealedJson,
  unsealedJson,
  whileLocked,
  writeFileAtomic,
} from '../../core/index.js';
import { federationError } from '../errors.js';
import { runningPlaces } from './places.js';

const controlSchema = z.strictObject({
  /** Whether no further round is begun. */
  paused: z.boolean(),
  /** Rounds in all, where there are to be more than the study says. */
  rounds: z.int().min(1).nullable(),
});
export type Control = z.output<typeof controlSchema>;

/** @param folder the coordinator's @throws GraftError CONTROL_DAMAGED */
export function readControl(folder: string): Control {
  const file = runningPlaces(folder).control;
  if (!existsSync(file)) return { paused: false, rounds: null };
  try {
    return controlSchema.parse(unsealedJson(readRegularText(file, 2 ** 12)));
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0].message : readFault(error);
    throw federationError('CONTROL_DAMAGED', { file, reason }, error);
  }
}

/** @param folder the coordinator's @throws GraftError CONTROL_DAMAGED, CONTROL_IN_USE, WRITE_FAILED */
export function changeControl(folder: string, change: Partial<Control>): void {
  const file = runningPlaces(folder).control;
  whileLocked(
    file,
    () => writeFileAtomic(file, sealedJson({ ...readControl(folder), ...change })),
    ({ pid, host, lock }) => federationError('CONTROL_IN_USE', { file, pid, host, lock }),
  );
}

/** Between two looks at a file, in ms. */
const LOOK = 300;

/** Calls whenever one of the files was replaced, until it is disposed. @param failed is given what the call throws */
export function watchFiles(
  files: readonly string[],
  changed: () => void,
  failed: (error: unknown) => void,
): Disposable {
  const marks = () => {
    const stats = files.map((file) => statSync(file, { throwIfNoEntry: false, bigint: true }));
    return stats.map((stat) => stat && `${stat.ino} ${stat.mtimeNs}`).join();
  };
  let last = marks();
  const timer = setInterval(() => {
    const now = marks();
    if (now === last) return;
    last = now;
    try {
      changed();
    } catch (error) {
      failed(error);
    }
  }, LOOK);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
