/** How sure a model is of a case, gathered from its output batch by batch. */
import type { SegmentationNetwork } from '../networks/index.js';

export class Sureness {
  readonly #background: SegmentationNetwork['background'];
  readonly #channels: number;
  #voxels = 0;
  #entropy = 0;
  #early = 0;
  #both = 0;
  #heads = false;

  /** @param maps of the network, C */
  constructor({ background }: Pick<SegmentationNetwork, 'background'>, maps: number) {
    this.#background = background;
    this.#channels = maps;
  }

  /**
   * @param probabilities float32 [b, C, h, w], as the network gives them
   * @param pixels of a slice, h · w
   * @param early the early head's, likewise, where one was asked
   */
  add(probabilities: Float32Array, pixels: number, early?: Float32Array): void {
    if (this.#background === 'channel') this.#addDistribution(probabilities, pixels);
    else this.#addMaps(probabilities);
    if (early) this.#compare(probabilities, early, pixels);
  }

  /** The classes' own entropies, each of two answers. */
  #addMaps(probabilities: Float32Array): void {
    for (let i = 0; i < probabilities.length; i++) {
      const p = probabilities[i];
      if (p > 0.5) this.#voxels++;
      if (p > 0 && p < 1) this.#entropy -= p * Math.log2(p) + (1 - p) * Math.log2(1 - p);
    }
  }

  /** One entropy over the classes and the background. */
  #addDistribution(probabilities: Float32Array, pixels: number): void {
    const channels = this.#channels;
    for (let slice = 0; slice < probabilities.length; slice += channels * pixels)
      for (let i = 0; i < pixels; i++) {
        let largest = 0;
        for (let c = 0; c < channels; c++) {
          const p = probabilities[slice + c * pixels + i];
          if (p > 0) this.#entropy -= p * Math.log2(p);
          if (p > probabilities[slice + largest * pixels + i]) largest = c;
        }
        if (largest > 0) this.#voxels++;
      }
  }

  #compare(probabilities: Float32Array, early: Float32Array, pixels: number): void {
    this.#heads = true;
    const first = this.#background === 'channel' ? pixels : 0; // the background's map does not count
    for (let slice = 0; slice < early.length; slice += this.#channels * pixels)
      for (let i = slice + first; i < slice + this.#channels * pixels; i++) {
        if (early[i] > 0.5) this.#early++;
        if (early[i] > 0.5 && probabilities[i] > 0.5) this.#both++;
      }
  }

  /** Voxels of all classes. */
  get voxels(): number {
    return this.#voxels;
  }
  /** In bits per segmented voxel. A mask of nothing counts as one voxel: as unsure as can be, but a number that JSON can hold. */
  get entropy(): number {
    return this.#entropy / Math.max(1, this.#voxels);
  }
  /** Dice of the early against the final head's masks, all classes together; undefined without an early head. */
  get heads(): number | undefined {
    return this.#heads ? (2 * this.#both) / Math.max(1, this.#voxels + this.#early) : undefined;
  }
}
