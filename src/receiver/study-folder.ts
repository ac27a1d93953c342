/**
 * A study that was received, as it lies on the disk: its images, its masks, and how far the work on it has come. Names are
 * pseudonyms; nothing that a header says becomes a path.
 *
 *     OUT/studies/STUDY/images/IMAGE.dcm   as they were sent
 *     OUT/studies/STUDY/masks/             what was made of them
 *     OUT/studies/STUDY/state.json         what is done, and what is still to be sent
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sealedJson, unsealedJson, writeFileAtomic } from '../core/index.js';

const stateSchema = z.object({
  /** Series by pseudonym, with the digest of the images that they had when the work on them was over. */
  done: z.record(z.string(), z.string()).default({}),
  /** How often the work on a series was begun and not ended. */
  begun: z.record(z.string(), z.int()).default({}),
  /** Masks and reports that were not sent yet, in the folder of masks. */
  unsent: z.array(z.string()).default([]),
  /** Digest of the list of images when all was done; null as long as something is to be done. */
  settled: z.string().nullable().default(null),
  /** In ms since 1970. */
  settledAt: z.number().default(0),
});
export type StudyState = z.output<typeof stateSchema>;

const none = '';

export class StudyFolder {
  readonly name: string;
  readonly #folder: string;

  constructor(root: string, name: string) {
    this.name = name;
    this.#folder = join(root, 'studies', name);
  }

  /** All that lie in a receiver's folder. */
  static all(root: string): StudyFolder[] {
    const place = join(root, 'studies');
    const names = existsSync(place) ? readdirSync(place) : [];
    return names.filter((name) => /^[0-9a-f]{16}$/.test(name)).map((name) => new StudyFolder(root, name));
  }

  get images(): string {
    return join(this.#folder, 'images');
  }
  get masks(): string {
    return join(this.#folder, 'masks');
  }
  /** @param image its pseudonym */
  imageFile = (image: string): string => join(this.images, `${image}.dcm`);

  /** A state that is missing or damaged is that of a study with which nothing was done: its masks are made again. */
  state(): StudyState {
    try {
      return stateSchema.parse(unsealedJson(readFileSync(join(this.#folder, 'state.json'), 'utf8')));
    } catch {
      return stateSchema.parse({});
    }
  }

  /** @throws GraftError WRITE_FAILED */
  write(state: StudyState): void {
    writeFileAtomic(join(this.#folder, 'state.json'), sealedJson(state));
  }

  /** Changes with every image that comes or is replaced; the same for a study whose images were removed. */
  listing(): string {
    const files = this.#imageNames();
    if (files.length === 0) return none;
    const hash = createHash('sha256');
    for (const name of files) {
      const { size, mtimeMs } = statSync(join(this.images, name));
      hash.update(`${name} ${size} ${mtimeMs}\n`);
    }
    return hash.digest('hex');
  }

  /** Whether all is done that its images and masks ask for. */
  isSettled(state = this.state()): boolean {
    const listing = this.listing();
    return state.unsent.length === 0 && (listing === none || state.settled === listing);
  }

  /** What its images take, each at least a block of the disk. */
  bytes = (): number =>
    this.#imageNames().reduce((sum, name) => sum + bytesOnDisk(statSync(join(this.images, name)).size), 0);

  imageCount = (): number => this.#imageNames().length;

  removeImages = (): void => rmSync(this.images, { recursive: true, force: true });

  #imageNames = (): string[] =>
    existsSync(this.images)
      ? readdirSync(this.images)
          .filter((name) => name.endsWith('.dcm'))
          .sort()
      : [];
}

export const bytesOnDisk = (size: number): number => Math.max(size, 4096);
