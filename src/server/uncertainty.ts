/**
 * How unsure the model is of each image that has no label: the mean entropy of its probabilities, in bits per segmented
 * voxel. Images are looked at while nothing else is asked of the model, and what was found is kept in a file.
 */
import { existsSync } from 'node:fs';
import { readRegularText, sealedJson, unsealedJson, writeFileAtomic } from '../core/index.js';
import type { ImageSource } from '../jobs/index.js';
import { stampOf } from './datastore.js';

type Known = Record<string, { stamp: string; entropy: number }>;

export class Uncertainty {
  readonly #file: string;
  /** Of the model and its adapter: another's numbers say nothing. */
  readonly #of: string;
  readonly #known = new Map<string, Known[string]>();
  /** Images that cannot be used. */
  readonly #failed = new Set<string>();
  #looking: Promise<void> | undefined;

  constructor(file: string, of: string) {
    this.#file = file;
    this.#of = of;
    if (!existsSync(file)) return;
    try {
      const kept = unsealedJson<{ of: string; images: Known }>(readRegularText(file));
      if (kept.of === of) for (const [name, one] of Object.entries(kept.images)) this.#known.set(name, one);
    } catch {
      // Damaged: it is found again.
    }
  }

  note(image: ImageSource, entropy: number): void {
    this.#known.set(image.name, { stamp: stampOf(image), entropy });
    try {
      writeFileAtomic(this.#file, sealedJson({ of: this.#of, images: Object.fromEntries(this.#known) }));
    } catch {
      // A full disk costs that it is found again.
    }
  }

  /** Of those that were looked at, the one that the model is least sure of; the first of equals. */
  least(images: readonly ImageSource[]): ImageSource | undefined {
    const known = images.flatMap((image) => {
      const entropy = this.#entropyOf(image);
      return entropy === undefined ? [] : [{ image, entropy }];
    });
    const [first] = known.sort((a, b) => b.entropy - a.entropy);
    return first?.image;
  }

  /**
   * Looks at the images that were not yet looked at, one after another.
   *
   * @param images that have no label, asked anew before each
   * @param measure undefined where it had to give way, and is to be asked again
   */
  look(
    images: () => readonly ImageSource[],
    measure: (image: ImageSource) => Promise<number | undefined>,
    failed: (image: ImageSource, error: unknown) => void,
  ): Promise<void> {
    this.#looking ??= this.#lookAtAll(images, measure, failed).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookAtAll(...[images, measure, failed]: Parameters<Uncertainty['look']>): Promise<void> {
    for (;;) {
      const next = images().find((image) => !this.#failed.has(image.name) && this.#entropyOf(image) === undefined);
      if (!next) return;
      try {
        const entropy = await measure(next);
        if (entropy !== undefined) this.note(next, entropy);
      } catch (error) {
        this.#failed.add(next.name);
        failed(next, error);
      }
    }
  }

  #entropyOf(image: ImageSource): number | undefined {
    const known = this.#known.get(image.name);
    return known?.stamp === stampOf(image) ? known.entropy : undefined;
  }
}
