/**
 * The cases of a run on demand, for a page on this machine: the images where they lie, the models that the run keeps, and
 * what these find, computed when a case is looked at first.
 */
import { basename } from 'node:path';
import { runWithPauses } from '../core/index.js';
import { type Dataset, loadCase, readDataset, type Triple, volumeFile } from '../data/index.js';
import { encodeSlice, type PageSlice } from '../report/index.js';
import { loadSegmenter } from '../segmenter/index.js';
import { type CaseView, type Spot, slicesAt, spotsOf, viewOf } from './case-view.js';
import { findDataset } from './dataset.js';
import { runError } from './errors.js';
import type { Kind, Shelf } from './findings.js';
import type { RunFiles } from './folder.js';
import type { AnyRecipe } from './kinds.js';
import { masksOf } from './pictures.js';
import type { AnyStudy } from './study.js';
import { modelPath } from './tasks.js';

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

export class CaseShelf {
  readonly #open = new Map<string, Promise<{ view: CaseView; spots: Spot[] }>>();
  #last: Promise<unknown> = Promise.resolve();

  /** @throws GraftError CASE_UNKNOWN, and what reading data and models throws */
  async slices(
    files: RunFiles,
    run: AnyRecipe,
    shelf: Omit<Shelf<Kind>, 'dataset'>,
    asked: CaseAsked,
  ): Promise<CaseSlices> {
    const { view, spots } = await this.#view(files, run, shelf, asked);
    const { shape, box, fullest } = view;
    const at = (asked.at ?? fullest).map((index, axis) => Math.max(0, Math.min(shape[axis] - 1, index))) as Triple;
    return {
      ...{ shape, at, spots },
      shown: box.map(([from, to], axis) => (asked.whole ? [0, shape[axis]] : [from, to])),
      slices: slicesAt(view, at, asked.whole).map(encodeSlice),
    };
  }

  /** A NIfTI file, uint8; undefined where the case has no such part. @throws as `slices` */
  async volume(
    files: RunFiles,
    run: AnyRecipe,
    shelf: Omit<Shelf<Kind>, 'dataset'>,
    asked: VolumeAsked,
  ): Promise<Uint8Array | undefined> {
    const { view } = await this.#view(files, run, shelf, { ...asked, whole: true });
    const { grey, heat, masks, shape, affine } = view;
    const data = new Map<string, Uint8Array | undefined>([...masks, ['grey', grey], ['heat', heat]]).get(asked.part);
    return data && volumeFile(asked.part, { data, shape, affine });
  }

  #view(files: RunFiles, run: AnyRecipe, shelf: Omit<Shelf<Kind>, 'dataset'>, { site, name }: CaseAsked) {
    const key = JSON.stringify([site, name]);
    const known = this.#open.get(key);
    if (known) return known;
    // One after the other: each takes the memory of a model.
    const view = this.#last.then(() => openCase(files, run, shelf, site, name));
    this.#last = view.catch(() => this.#open.delete(key));
    this.#open.set(key, view);
    for (const oldest of [...this.#open.keys()].slice(0, -most)) this.#open.delete(oldest);
    return view;
  }
}

async function openCase(
  files: RunFiles,
  { study, recipe }: AnyRecipe,
  shelf: Omit<Shelf<Kind>, 'dataset'>,
  site: string,
  name: string,
): Promise<{ view: CaseView; spots: Spot[] }> {
  const dataset = datasetOf(files, recipe);
  const { candidates }: AnyStudy = study;
  const candidate = candidates({ ...shelf, recipe, dataset }, site).find(({ caseName }) => caseName === name);
  if (!candidate) throw runError('CASE_UNKNOWN', { site, name, folder: basename(files.file()) });
  const { image, label } = loadCase(candidate.one, { classes: recipe.classes.length + 1 });
  const model = loadSegmenter(files.file(modelPath(candidate.seed)));
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

/** The data set of a run that is only read. @throws GraftError as `readDataset` */
const datasetOf = (files: RunFiles, recipe: AnyRecipe['recipe']): Dataset =>
  findDataset(recipe, files.file('recipe.yaml')) ?? readDataset(files.file('data'));
