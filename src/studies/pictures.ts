/** Pictures for a report: which cases to show, and their slices as they are displayed. */
import type { Pausing } from '../core/index.js';
import { type Case, type Label, loadCase, type Volume } from '../data/index.js';
import { disposeState } from '../nn/index.js';
import { change, fixed, type Outlined, type Panel, type PanelGroup, type ReportSlice } from '../report/index.js';
import { loadAdapter, loadSegmenter, type Segmenter, segmentVolumeWithPauses } from '../segmenter/index.js';
import { type Masks, slicesAt, spotsOf, viewOf } from './case-view.js';
import type { RunFiles } from './folder.js';

/** The best, the median and the worst of cases that are sorted, the best first; each once. */
export function bestMedianWorst<Scored>(
  sorted: readonly Scored[],
): { which: 'best' | 'median' | 'worst'; one: Scored }[] {
  const places = [
    ['best', 0],
    ['median', Math.floor((sorted.length - 1) / 2)],
    ['worst', sorted.length - 1],
  ] as const;
  return places
    .filter(([, place], i) => place >= 0 && places.findIndex(([, other]) => other === place) === i)
    .map(([which, place]) => ({ which, one: sorted[place] }));
}

/** A case that a report may show. */
export interface Candidate {
  one: Case;
  /** What it is called. */
  name: string;
  /** What tables call it. */
  caseName: string;
  /** File of the model, below the run's folder. */
  model: string;
  score: number;
  /** By the model that it is compared with, where there is one. */
  before: number | undefined;
  /** Whose outlines, each with the file of its adapter below the run's folder; null: the model as it is. */
  outlines: { of: Outlined; adapter: string | null }[];
}
type Shown = Omit<Panel, 'slices'> & Candidate;

/** The best, the median and the worst case. @param models what the two that scored are called */
export const shownOf = (candidates: readonly Candidate[], [now, then]: readonly [string, string]): Shown[] =>
  bestMedianWorst([...candidates].sort((a, b) => b.score - a.score)).map(({ which, one }) => ({
    ...{ ...one, which },
    lines: [
      `${now} ${fixed(one.score)}`,
      ...(one.before === undefined ? [] : [`${then} ${fixed(one.before)}, change ${change(one.score, one.before)}`]),
    ],
  }));

/** The groups with their pictures; each model is read once, one at a time. @param classes how many */
export function* picturesOf(
  files: Pick<RunFiles, 'file'>,
  groups: readonly { title: string; shown: readonly Shown[] }[],
  classes: number,
): Pausing<PanelGroup[]> {
  const all = groups.flatMap(({ shown }) => shown);
  const drawn = new Map<Shown, Pick<Panel, 'slices' | 'spots'>>();
  for (const file of new Set(all.map((shown) => shown.model))) {
    const model = loadSegmenter(files.file(file));
    try {
      for (const shown of all.filter((one) => one.model === file))
        drawn.set(shown, yield* draw(model, shown, files, classes));
    } finally {
      model.dispose();
    }
  }
  return groups.map(({ title, shown }) => ({
    title,
    panels: shown.map((one) => {
      const { which, name, caseName, lines } = one;
      return { which, name, caseName, lines, ...drawn.get(one)! };
    }),
  }));
}

/** Places that the picture of a worst case shows beside its fullest slices. */
const spotsShown = 2;

function* draw(
  model: Segmenter,
  { one, outlines, which }: Shown,
  files: Pick<RunFiles, 'file'>,
  classes: number,
): Pausing<Pick<Panel, 'slices' | 'spots'>> {
  const { image, label } = loadCase(one, { classes: classes + 1 });
  const view = yield* viewOf(image, label!, yield* masksOf(model, image, { one, outlines }, files));
  const spots = which === 'worst' ? spotsOf(view).slice(0, spotsShown) : [];
  return {
    slices: slicesAt(view, view.fullest),
    ...(spots.length > 0 && { spots: spots.map(({ at, mm }) => ({ mm, slices: slicesAt(view, at) })) }),
  };
}

/** What the models find whose outlines are drawn; the model is left as it came. */
export function* masksOf(
  model: Segmenter,
  image: Volume,
  { one, outlines }: Pick<Candidate, 'one' | 'outlines'>,
  files: Pick<RunFiles, 'file'>,
): Pausing<Masks> {
  const masks: Masks = {};
  for (const { of, adapter: file } of outlines) {
    const adapter = file === null ? undefined : loadAdapter(files.file(file));
    model.use(adapter);
    masks[of] = yield* segmentVolumeWithPauses(model, image, { case: one });
    if (adapter) disposeState(adapter.state);
  }
  model.use(undefined);
  return masks;
}

/** Of every plane the slice with most truth; see `viewOf`. */
export function* display(image: Volume, label: Label, masks: Masks): Pausing<ReportSlice[]> {
  const view = yield* viewOf(image, label, masks);
  return slicesAt(view, view.fullest);
}
