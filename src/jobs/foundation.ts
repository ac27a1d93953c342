/** A pretrained network, made on generated scenes or taken from a checkpoint, and models that start from one. */
import { rmSync } from 'node:fs';
import type { ProgressEvent } from '../core/index.js';
import { type Pretraining, pretrain } from '../finetune/index.js';
import { type FoundationReport, familyOfSize } from '../networks/index.js';
import { someNames } from '../nn/index.js';
import { Segmenter, saveSegmenter } from '../segmenter/index.js';
import { checkpointAt, follow, progressOf } from './train-adapt.js';

export interface FoundationJob {
  /** The name of a size, of a family that answers prompts. */
  architecture: string;
  /** The family's. */
  settings: Record<string, unknown>;
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
  { architecture, settings, pretraining, seed, device, out, checkpoint }: FoundationJob,
  log: (record: object) => void = () => {},
): AsyncGenerator<ProgressEvent, void> {
  const family = familyOfSize(architecture);
  const model = new Segmenter({ family, config: family.configure(architecture, 0, settings), device });
  try {
    model.initialise(seed);
    const task = `pretrain ${architecture}`;
    const saved = yield* checkpointAt(checkpoint, { architecture, ...settings, ...pretraining, seed }, task);
    const events = pretrain(model.network, pretraining, { seed, checkpoint: saved, device });
    yield* progressOf(follow(task, events), log);
    saveSegmenter(out, model, { data: 'generated scenes', seed: String(seed), steps: String(pretraining.steps) });
  } finally {
    model.dispose();
  }
  rmSync(checkpoint, { force: true });
}

/** What became of a checkpoint's tensors, in a line: some names of all that were not taken as they are. */
export function describeFoundation({ loaded, resized, fresh, unused }: FoundationReport): string {
  const parts = { resized, 'freshly initialised': fresh, unused };
  const rest = Object.entries(parts).map(
    ([what, names]) => `${names.length} ${what}${names.length > 0 ? ` (${someNames(names)})` : ''}`,
  );
  return [`${loaded.length} loaded`, ...rest].join(', ');
}
