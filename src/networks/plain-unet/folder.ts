/** The folder that nnU-Net v2 trains into: plans, data set, and a folder of checkpoints for each fold. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { plainUNetError } from './errors.js';

export interface TrainedFolder {
  plans: string;
  dataset: string;
  /** The network that is used. */
  checkpoint: string;
  /** What a reader should know of the choice among several folds; absent where there was none. */
  remark?: string;
}

/** A finished training before its best and its last state. */
const endings = ['final', 'best', 'latest'];

/**
 * @param path the folder, or one of its checkpoints, which is then the one that is used
 * @returns undefined where the folder has no plans
 * @throws GraftError NNUNET_ALONE, NNUNET_WITHOUT_CHECKPOINT
 */
export function trainedFolder(path: string): TrainedFolder | undefined {
  const given = statSync(path).isFile();
  const folder = given ? dirname(dirname(resolve(path))) : path;
  const [plans, dataset] = ['plans.json', 'dataset.json'].map((name) => join(folder, name));
  const missing = [plans, dataset].find((file) => !existsSync(file));
  if (given && missing) throw plainUNetError('NNUNET_ALONE', { file: path, missing: basename(missing), folder });
  if (missing) return undefined;
  if (given) return { plans, dataset, checkpoint: path };
  const folds = readdirSync(folder).filter((name) => name.startsWith('fold_'));
  // `fold_all` has seen all cases; then by number.
  folds.sort(
    (a, b) => Number(b === 'fold_all') - Number(a === 'fold_all') || a.localeCompare(b, 'en', { numeric: true }),
  );
  const found = endings.flatMap((ending) => folds.map((fold) => join(fold, `checkpoint_${ending}.pth`)));
  const there = found.filter((file) => existsSync(join(folder, file)));
  if (there.length === 0) throw plainUNetError('NNUNET_WITHOUT_CHECKPOINT', { folder });
  const trained = [...new Set(there.map(dirname))];
  const others = trained.length > 1 && {
    remark: `of ${trained.join(', ')}, whose mean nnU-Net predicts, ${there[0]} alone is used; name another checkpoint to use that`,
  };
  return { plans, dataset, checkpoint: join(folder, there[0]), ...others };
}
