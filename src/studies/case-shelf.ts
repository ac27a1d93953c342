/**
 * The cases of a run on demand, for a page on this machine: the images where they lie, the models that the run keeps, and
 * what these find, computed when a case is looked at first.
 */
import { runWithPauses } from '../core/index.js';
import { loadCase, type Triple, volumeFile } from '../data/index.js';
import { encodeSlice, type PageSlice } from '../report/index.js';
import { loadSegmenter } from '../segmenter/index.js';
import { type CaseView, type Spot, slicesAt, spotsOf, viewOf } from './case-view.js';
import type { RunFiles } from './folder.js';
import { type Candidate, masksOf } from './pictures.js';

/** A place in a case. */
export interface CaseSlices {
  shape: Triple;
  /** What of each axis is shown: first index, and the one after the last. */
  shown: [from: number, to: number][];
  /** The voxel that the slices go through: [z, y, x] in RAS. */
  at: Triple;
  /** The furthest from the reference first. */
  spots: Spot[];
  slices: PageSlice[];
}

export interface CaseAsked {
  site: string;
  /** As tables call it. */
  name: string;
  /** Absent: the slices with most of the reference. */
  at?: Triple | undefined;
  /** Not only the surroundings of the structures. */
  whole: boolean;
}

/** A part of a case as a file: what of it, beside the grey values whose mask, or how far off. */
export interface VolumeAsked extends Pick<CaseAsked, 'site' | 'name'> {
  part: string;
}

/** Cases that stay in memory. */
const most = 2;

/** Where a case and the models that segment it are. */
export interface CaseSource {
  files: Pick<RunFiles, 'file'>;
  candidate: Candidate;
  /** How many. */
  classes: number;
}

export class CaseShelf {
  readonly #find: (site: string, name: string) => CaseSource;
  readonly #open = new Map<string, Promise<{ view: CaseView; spots: Spot[] }>>();
  #last: Promise<unknown> = Promise.resolve();

  /** @param find asked when a case is opened; throws where there is no such case */
  constructor(find: (site: string, name: string) => CaseSource) {
    this.#find = find;
  }

  /** @throws what finding it and reading data and models throws */
  async slices(asked: CaseAsked): Promise<CaseSlices> {
    const { view, spots } = await this.#view(asked);
    const { shape, box, fullest } = view;
    const at = (asked.at ?? fullest).map((index, axis) => Math.max(0, Math.min(shape[axis] - 1, index))) as Triple;
    return {
      ...{ shape, at, spots },
      shown: box.map(([from, to], axis) => (asked.whole ? [0, shape[axis]] : [from, to])),
      slices: slicesAt(view, at, asked.whole).map(encodeSlice),
    };
  }

  /** A NIfTI file, uint8; undefined where the case has no such part. @throws as `slices` */
  async volume(asked: VolumeAsked): Promise<Uint8Array | undefined> {
    const { view } = await this.#view(asked);
    const { grey, heat, masks, shape, affine } = view;
    const data = new Map<string, Uint8Array | undefined>([...masks, ['grey', grey], ['heat', heat]]).get(asked.part);
    return data && volumeFile(asked.part, { data, shape, affine });
  }

  #view({ site, name }: Pick<CaseAsked, 'site' | 'name'>) {
    const key = JSON.stringify([site, name]);
    const known = this.#open.get(key);
    if (known) return known;
    // One after the other: each takes the memory of a model.
    const view = this.#last.then(() => openCase(this.#find(site, name)));
    this.#last = view.catch(() => this.#open.delete(key));
    this.#open.set(key, view);
    for (const oldest of [...this.#open.keys()].slice(0, -most)) this.#open.delete(oldest);
    return view;
  }
}

async function openCase({ files, candidate, classes }: CaseSource): Promise<{ view: CaseView; spots: Spot[] }> {
  const { image, label } = loadCase(candidate.one, { classes: classes + 1 });
  const model = loadSegmenter(files.file(candidate.model));
  try {
    const view = await runWithPauses(
      (function* () {
        return yield* viewOf(image, label!, yield* masksOf(model, image, candidate, files));
      })(),
    );
    return { view, spots: spotsOf(view) };
  } finally {
    model.dispose();
  }
}
