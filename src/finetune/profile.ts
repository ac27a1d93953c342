/** What a model of Segment Anything says of its source: it is looked at after training, and kept beside what was trained. */
import { type Pausing, pause } from '../core/index.js';
import {
  type CaseFacts,
  type CaseSlices,
  maskFacts,
  type Profile,
  profileOf,
  RestoredLabels,
  scanFactsOfSlices,
  sourceOfTensor,
} from '../data/index.js';
import { predictSlices } from './predict.js';
import type { SamSegmenter } from './segmenter.js';

/** Cases that are looked at: ranges need no more, and every slice takes a pass through the encoder. */
const MOST_CASES = 24;

/** Bits of entropy of the classes' probabilities, gathered batch by batch. */
export class ClassEntropy {
  readonly #channels: number;
  readonly #pixels: number;
  #voxels = 0;
  #sum = 0;

  /** @param channels classes with the background @param pixels of a slice */
  constructor(channels: number, pixels: number) {
    this.#channels = channels;
    this.#pixels = pixels;
  }

  /** @param probabilities float32 [b, C, h, w], the background first */
  add(probabilities: Float32Array): void {
    const [channels, pixels] = [this.#channels, this.#pixels];
    for (let slice = 0; slice < probabilities.length; slice += channels * pixels)
      for (let i = 0; i < pixels; i++) {
        let largest = 0;
        for (let c = 0; c < channels; c++) {
          const p = probabilities[slice + c * pixels + i];
          if (p > 0) this.#sum -= p * Math.log2(p);
          if (p > probabilities[slice + largest * pixels + i]) largest = c;
        }
        if (largest > 0) this.#voxels++;
      }
  }

  /** Per segmented voxel; a mask of nothing counts as one. */
  get value(): number {
    return this.#sum / Math.max(1, this.#voxels);
  }
}

/** The profile of these cases with the model as it is now; of many cases, of some that are evenly spread among them. */
export function* profileOfCases(model: SamSegmenter, cases: readonly CaseSlices[]): Pausing<Profile> {
  const channels = model.classes.length + 1;
  const count = Math.min(MOST_CASES, cases.length);
  const facts: CaseFacts[] = [];
  for (let i = 0; i < count; i++) {
    const one = cases[Math.floor((i * cases.length) / count)];
    const [, h, w] = one.geometry.shape;
    const restored = new RestoredLabels(one.geometry, { channels, background: 'channel' });
    const entropy = new ClassEntropy(channels, h * w);
    for (const { start, probabilities } of predictSlices(model, sourceOfTensor(one.images))) {
      const values = probabilities.toArray<'float32'>();
      probabilities.dispose();
      restored.add(values, start);
      entropy.add(values);
      yield pause;
    }
    const scan = scanFactsOfSlices(one);
    const mask = maskFacts(restored.labels, one.geometry.volume, scan.spacing, model.classes.length);
    facts.push({ ...scan, ...mask, entropy: entropy.value });
  }
  return profileOf(facts);
}
