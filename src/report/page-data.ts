/**
 * What a page shows: values alone, as JSON, in parts that may be there or not. A run that ends fills them, or a server that
 * watches one; a view of the page (`page/views/`) shows a part that is there. So a new view is a part here, a file there, and
 * the code that fills the part.
 */
import { z } from 'zod';
import type { Comparison } from '../compare/index.js';
import { measureNames } from '../compare/index.js';
import { scoredExtents } from '../metrics/index.js';
import type { Provenance, ReportScores } from './data.js';
import type { LedgerTable } from './ledger.js';
import type { FederationSummary } from './regime-data.js';

/** NaN and infinite ones too: a distance where a mask is empty. */
const number = z.custom<number>((value) => typeof value === 'number', 'expected a number');
const numbers = z.array(number);
const texts = z.array(z.string());

const curve = z.object({
  title: z.string(),
  xLabel: z.string(),
  yLabel: z.string(),
  xScale: z.enum(['linear', 'bytes']).exactOptional(),
  series: z.array(z.object({ name: z.string(), points: z.array(z.tuple([number, number])) })),
});

/** Methods by target: the scores of an adaptation. */
const scores = z.object({
  toleranceMm: number,
  scored: z.string().exactOptional(),
  targets: texts,
  methods: z.array(
    z.object({
      name: z.string(),
      label: z.string(),
      trainedParameters: number,
      adapterBytes: number.nullable(),
      oracle: z.boolean().exactOptional(),
      seconds: number.exactOptional(),
    }),
  ),
  scores: z.array(
    z.object({
      target: z.string(),
      method: z.string(),
      surfaceDice: numbers,
      surfaceDiceOnSlices: numbers.exactOptional(),
      boundaryBias: numbers.exactOptional(),
      gapClosed: number.nullable().exactOptional(),
      dice: numbers,
      hausdorff95: numbers.exactOptional(),
      kept: z.string(),
      guard: z.string().exactOptional(),
    }),
  ),
}) satisfies z.ZodType<ReportScores>;

const interval = z.tuple([number, number]).or(z.undefined());
const row = z.object({
  entry: z.string(),
  cases: number,
  oracle: z.boolean(),
  against: z
    .object({ pairs: number, difference: number, interval: interval.optional(), p: number, adjusted: number })
    .nullable(),
  boundaryBias: number,
  surfaceDiceOnSlices: number,
  gapClosed: number.exactOptional(),
  ...{ count: number, infinite: number, mean: number, sd: number, median: number, interval: interval.optional() },
  quartiles: z.tuple([number, number]),
});
const comparison = z.object({
  measure: z.enum(measureNames),
  toleranceMm: number,
  scored: z.enum(scoredExtents),
  baseline: z.string(),
  unit: z.enum(['patient', 'case']),
  groups: z.array(z.object({ kind: z.enum(['all', 'site', 'class']), name: z.string(), rows: z.array(row) })),
  worst: z.array(z.object({ entry: z.string(), cases: z.array(z.object({ name: z.string(), value: number })) })),
  notes: texts,
}) as unknown as z.ZodType<Comparison>;

/** Every case under every model that is compared; means over seeds and classes. */
const cases = z.object({
  measures: z.array(
    z.object({ name: z.string(), title: z.string(), digits: z.int(), better: z.enum(['higher', 'lower']) }),
  ),
  /** What is compared, each with a name for people. */
  models: z.array(z.object({ name: z.string(), label: z.string() })),
  /** The model that the page is about, and what it is compared with. */
  main: z.string(),
  baseline: z.string(),
  /** `values` by measure, then by model; null where the model was not scored on the case. */
  rows: z.array(z.object({ site: z.string(), name: z.string(), values: z.array(z.array(number.nullable())) })),
});

const outlined = z.enum(['truth', 'source', 'adapted', 'frozen', 'local', 'federated']);
/** See `ReportSlice`; the grey values are a PNG file in base64, labels are run lengths (`packLabels`). */
const slice = z.object({
  plane: z.enum(['axial', 'coronal', 'sagittal']),
  width: z.int().min(1).max(4096),
  height: z.int().min(1).max(4096),
  pixelSpacing: z.tuple([number, number]),
  png: z.base64(),
  labels: z.partialRecord(outlined, z.string()),
  heat: z.string().exactOptional(),
  cut: z.array(outlined),
});
const panel = z.object({
  which: z.enum(['best', 'median', 'worst']),
  name: z.string(),
  /** The row of `cases` that it is about. */
  caseName: z.string().exactOptional(),
  lines: texts,
  slices: z.array(slice),
  spots: z.array(z.object({ mm: number, slices: z.array(slice) })).exactOptional(),
});
const images = z.object({
  /** A sentence: which cases and slices are shown. */
  about: z.string(),
  outlined: z.array(outlined),
  classes: texts,
  groups: z.array(z.object({ title: z.string(), panels: z.array(panel) })),
});

/** What the selection saw of one adaptation, candidate by candidate, and what it kept. */
const selection = z.object({
  /** Seed, target, fold. */
  place: z.string(),
  method: z.string(),
  /** Absent while nothing is chosen. */
  kept: z.string().exactOptional(),
  guard: z.string().exactOptional(),
  looks: z.array(
    z.object({
      candidate: z.string(),
      volumeMl: number,
      entropy: number,
      agreement: number,
      agreementWithSource: number,
      // Of each case; absent where mirror images were not looked at.
      mirrored: numbers.exactOptional(),
      departures: z.array(z.object({ measure: z.string(), value: number, low: number, high: number })),
    }),
  ),
});

const spread = z.object({ mean: number, sd: number, values: numbers });
const bySite = z.record(z.string(), spread);
const regimeScores = z.object({ dice: bySite, surfaceDice: bySite, classes: z.record(z.string(), bySite) });
const regimes = z.object({
  toleranceMm: number,
  seeds: numbers,
  sites: texts,
  classes: texts,
  plans: z.array(
    z.object({
      name: z.string(),
      label: z.string(),
      trainedParameters: number,
      travellingParameters: number.nullable(),
      regimes: z.partialRecord(z.enum(['local', 'centralised', 'federated']), regimeScores),
      localModels: bySite.nullable(),
      gain: bySite.nullable(),
      traffic: z
        .object({
          ...{ rounds: number, down: number, up: number, total: number, perRound: number },
          reduction: z.object({ factor: number, against: z.enum(['measured', 'computed']) }),
        })
        .nullable(),
    }),
  ),
}) satisfies z.ZodType<FederationSummary>;

const ledger = z.object({
  plan: z.string(),
  seed: number,
  rounds: z.array(
    z.object({
      round: number,
      error: number.or(z.undefined()).optional(),
      cells: z.record(
        z.string(),
        z.object({
          outcome: z.enum(['accepted', 'refused', 'failed', 'late', 'missing']),
          down: number,
          up: number,
          reason: z.string().exactOptional(),
        }),
      ),
    }),
  ),
}) as unknown as z.ZodType<LedgerTable>;

const cosine = number.nullable();
/** How the updates of each round lie to each other; see `Agreement`. */
const aggregation = z.object({
  title: z.string(),
  rounds: z.array(
    z.object({
      round: number,
      /** Of what the round made of the updates; null without pairs of factors. */
      error: number.nullable(),
      agreement: z
        .object({
          layers: texts,
          norm: number,
          sites: z.array(z.object({ site: z.string(), norms: numbers, cosine })),
          pairs: z.array(cosine).optional(),
        })
        .exactOptional(),
    }),
  ),
});

const pairs = z.array(z.tuple([z.string(), z.string()]).readonly()).readonly();
const provenance = z.object({
  facts: pairs,
  command: z.string().or(z.undefined()).optional(),
  settings: pairs,
  files: z.array(z.object({ name: z.string(), sha256: z.string() })).readonly(),
}) satisfies z.ZodType<Provenance>;

/** What is done and what is left, for how long that takes (page/parts/time-left.ts). */
const work = z.object({
  /** How many of each kind, and how many seconds they took together. */
  done: z.array(z.object({ kind: z.string(), count: number, seconds: number })),
  /** How many of each kind, the one under way first. */
  left: z.array(z.object({ kind: z.string(), count: number })),
  /** When the one under way began, ISO 8601. */
  begun: z.string().exactOptional(),
});

/** How a federation over a network stands, as its coordinator's folder says: numbers alone. */
const standing = z.object({
  /** What the coordinator does. */
  state: z.string(),
  rounds: number,
  /** Fewest updates that a round is closed with. */
  quorum: number,
  /** `asked`: when the sites were, ISO 8601. */
  open: z
    .object({ round: number, asked: z.string().exactOptional(), chosen: texts, accepted: texts, out: texts })
    .exactOptional(),
  sites: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      /** When it was last heard, ISO 8601. */
      heard: z.string().exactOptional(),
      ...{ accepted: number, refused: number, moved: number },
      /** From being asked until its update is taken: how often that is known, and the seconds together. */
      took: z.object({ count: number, seconds: number }).exactOptional(),
      /** Why something of it was last not taken. */
      reason: z.string().exactOptional(),
    }),
  ),
  /** Rounds that are done, with the shares of the sites. */
  done: z.array(
    z.object({
      round: number,
      at: z.string().exactOptional(),
      weights: z.record(z.string(), number),
      loss: number.exactOptional(),
      moved: number,
    }),
  ),
});

/** What a hospital's site did in a study, as its journal says. */
const site = z.object({
  state: z.string(),
  /** Of the study; absent before the first. */
  rounds: number.exactOptional(),
  done: z.array(
    z.object({
      round: number,
      /** When the site was asked last, and when its update left: ISO 8601. */
      asked: z.string().exactOptional(),
      sent: z.string().exactOptional(),
      /** Bytes to and from the site. */
      ...{ down: number, up: number },
      /** What it said of its training. */
      metrics: z.record(z.string(), number),
      /** Why there is no update. */
      reason: z.string().exactOptional(),
    }),
  ),
});

/** The lines of a journal, as far as each follows from the one before. */
const journal = z.object({
  lines: z.array(z.object({ at: z.string(), act: z.string(), subject: z.string(), told: z.string() })),
  /** Hash of the last line. */
  head: z.string(),
  /** What is wrong after it. */
  problem: z.string().exactOptional(),
});

export const pageSchema = z.object({
  title: z.string(),
  description: z.string(),
  /** What happens now; absent where nothing runs any more. `model`: epochs of the one under way; `models`: all of them. */
  running: z.object({ text: z.string(), model: work.exactOptional(), models: work.exactOptional() }).exactOptional(),
  headline: z.object({ sentence: z.string(), more: texts.readonly() }).exactOptional(),
  /** Warnings and limits in plain words. */
  notes: texts,
  cases: cases.exactOptional(),
  scores: scores.exactOptional(),
  regimes: regimes.exactOptional(),
  comparison: comparison.exactOptional(),
  /** The same by further measures. */
  further: z.array(comparison).exactOptional(),
  images: images.exactOptional(),
  selections: z.array(selection).exactOptional(),
  /** Charts under titles, of which there may be one without. */
  curves: z.array(z.object({ title: z.string().exactOptional(), charts: z.array(curve) })).exactOptional(),
  /** Dice on validation cases by bytes moved. */
  moved: curve.exactOptional(),
  standing: standing.exactOptional(),
  site: site.exactOptional(),
  journal: journal.exactOptional(),
  ledgers: z.array(ledger).exactOptional(),
  aggregations: z.array(aggregation).exactOptional(),
  provenance: provenance.exactOptional(),
});

export type PageData = z.output<typeof pageSchema>;
export type PageScores = NonNullable<PageData['scores']>;
export type PageCases = NonNullable<PageData['cases']>;
export type PageImages = NonNullable<PageData['images']>;
export type PageSelection = NonNullable<PageData['selections']>[number];
export type PageStanding = NonNullable<PageData['standing']>;
export type PageSite = NonNullable<PageData['site']>;
export type PageAggregation = z.output<typeof aggregation>;
export type PageWork = z.output<typeof work>;
export type PageSlice = z.output<typeof slice>;
export type PagePanel = z.output<typeof panel>;
