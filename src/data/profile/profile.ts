/**
 * A profile: what the images of a model's source look like, and the model's answers to them, as ranges over cases. It is
 * kept in the model's file and names no case.
 */
import { z } from 'zod';
import type { CaseFacts, ScanFacts } from './facts.js';
import { quantileShares } from './facts.js';

const rangeSchema = z.strictObject({ low: z.number(), high: z.number() });
export type Range = z.infer<typeof rangeSchema>;
const axes = z.tuple([rangeSchema, rangeSchema, rangeSchema]);

export const profileSchema = z.strictObject({
  cases: z.int().describe('that the ranges were taken from'),
  volumeMl: rangeSchema.optional().describe('segmented, of all classes together'),
  classMl: z.array(rangeSchema).optional().describe('segmented, of each class'),
  reachMm: axes.optional().describe('how far what was segmented reaches, [z, y, x]; of cases where something was'),
  entropy: rangeSchema.optional().describe('bits per segmented voxel; of cases where something was'),
  heads: rangeSchema.optional().describe('Dice of the early against the final head; of cases where something was'),
  spacingMm: axes.optional().describe('[z, y, x]'),
  extentMm: axes.optional().describe('field of view, [z, y, x]'),
  quantiles: z.array(rangeSchema).length(quantileShares.length).optional().describe('of the unscaled intensities'),
  distribution: axes
    .optional()
    .describe('where the quartiles lie between the first and the last percentile, 0 to 1, whatever the unit'),
  modalities: z.array(z.string()).optional().describe('DICOM’s words, where the files say them'),
});
export type Profile = z.infer<typeof profileSchema>;

/** Undefined where a value is missing. */
function rangeOf(values: readonly (number | undefined)[]): Range | undefined {
  const known = values.filter((value) => value !== undefined);
  return values.length > 0 && known.length === values.length
    ? { low: Math.min(...known), high: Math.max(...known) }
    : undefined;
}

const rangesOf = (rows: readonly (readonly number[] | undefined)[], count: number): Range[] | undefined => {
  const ranges = Array.from({ length: count }, (_, i) => rangeOf(rows.map((row) => row?.[i])));
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
};

/** Where the quartiles lie between the first and the last percentile; undefined where those are equal. */
export function distributionOf({ quantiles }: Pick<ScanFacts, 'quantiles'>): number[] | undefined {
  if (!quantiles) return undefined;
  const [first, ...rest] = quantiles;
  const width = rest[rest.length - 1] - first;
  return width > 0 ? rest.slice(0, -1).map((value) => (value - first) / width) : undefined;
}

export const totalOf = ({ volumesMl }: Pick<CaseFacts, 'volumesMl'>): number => volumesMl.reduce((a, b) => a + b, 0);

/** The ranges over a source's cases, at least one. */
export function profileOf(cases: readonly CaseFacts[]): Profile {
  const filled = cases.filter((one) => totalOf(one) > 0);
  const modalities = [...new Set(cases.flatMap(({ modality }) => modality ?? []))].sort();
  const classes = cases[0].volumesMl.length;
  const found = {
    volumeMl: rangeOf(cases.map(totalOf)),
    classMl: rangesOf(
      cases.map(({ volumesMl }) => volumesMl),
      classes,
    ),
    reachMm: rangesOf(
      filled.map(({ reach }) => reach),
      3,
    ),
    entropy: rangeOf(filled.map(({ entropy }) => entropy)),
    heads: rangeOf(filled.map(({ heads }) => heads)),
    ...imageRanges(cases),
    modalities: modalities.length > 0 ? modalities : undefined,
  };
  return profileSchema.parse({ cases: cases.length, ...found });
}

/** The profile with room for further images, those that an adapter was made for. */
export function widened(profile: Profile, scans: readonly ScanFacts[]): Profile {
  const more = imageRanges(scans);
  const both = (own: readonly Range[] | undefined, other: readonly Range[] | undefined) =>
    own && other
      ? own.map(({ low, high }, i) => ({ low: Math.min(low, other[i].low), high: Math.max(high, other[i].high) }))
      : undefined;
  const modalities = [...new Set([...(profile.modalities ?? []), ...scans.flatMap(({ modality }) => modality ?? [])])];
  const keys = ['spacingMm', 'extentMm', 'quantiles', 'distribution'] as const;
  const ranges = Object.fromEntries(keys.map((key) => [key, both(profile[key], more[key])]));
  return profileSchema.parse({ ...profile, ...ranges, ...(profile.modalities && { modalities: modalities.sort() }) });
}

function imageRanges(cases: readonly ScanFacts[]) {
  return {
    spacingMm: rangesOf(
      cases.map(({ spacing }) => spacing),
      3,
    ),
    extentMm: rangesOf(
      cases.map(({ extent }) => extent),
      3,
    ),
    quantiles: rangesOf(
      cases.map(({ quantiles }) => quantiles),
      quantileShares.length,
    ),
    distribution: rangesOf(cases.map(distributionOf), 3),
  };
}
