/** A pretrained Segment Anything, made on generated scenes or taken from a checkpoint, and models that start from one. */
import { rmSync } from 'node:fs';
import type { ProgressEvent } from '../core/index.js';
import { type Pretraining, pretrain, SamSegmenter } from '../finetune/index.js';
import { type SamArchitecture, type SamCheckpointReport, samConfig } from '../networks/index.js';
import { someNames } from '../nn/index.js';
import { checkpointAt, follow, progressOf } from './train-adapt.js';

export interface FoundationJob {
  architecture: SamArchitecture;
  imageSize: number;
  pretraining: Pretraining;
  seed: number;
  device: string;
  /** The file that is written. */
  out: string;
  /** File to go on from, where it is there; removed at the end. */
  checkpoint: string;
}

/** Pretrains a model with the stock head and writes it. @param log takes a record for every look at its progress */
export async function* makeFoundation(
  { architecture, imageSize, pretraining, seed, device, out, checkpoint }: FoundationJob,
  log: (record: object) => void = () => {},
): AsyncGenerator<ProgressEvent, void> {
  const model = new SamSegmenter({ architecture: samConfig(architecture, { imageSize }), classes: [], device });
  try {
    model.initialise(seed);
    const task = `pretrain ${architecture}`;
    const saved = yield* checkpointAt(checkpoint, { architecture, imageSize, ...pretraining, seed }, task);
    const events = pretrain(model.sam, pretraining, { seed, checkpoint: saved, device });
    yield* progressOf(follow(task, events), log);
    model.save(out, { data: 'generated scenes', seed: String(seed), steps: String(pretraining.steps) });
  } finally {
    model.dispose();
  }
  rmSync(checkpoint, { force: true });
}

/** What became of a checkpoint's tensors, in a line: some names of all that were not taken as they are. */
export function describeFoundation({ loaded, resized, fresh, unused }: SamCheckpointReport): string {
  const parts = { resized, 'freshly initialised': fresh, unused };
  const rest = Object.entries(parts).map(
    ([what, names]) => `${names.length} ${what}${names.length > 0 ? ` (${someNames(names)})` : ''}`,
  );
  return [`${loaded.length} loaded`, ...rest].join(', ');
}
