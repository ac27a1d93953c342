/**
 * How volumes become slices: one plain object, kept in the recipe and inside the adapter, so that training and
 * prediction cannot differ.
 */
import { z } from 'zod';

const increasing = ({ low, high }: { low: number; high: number }) => low < high;
const order = { error: 'low must be below high' };

const intensitySchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('percentile').describe('these percentiles of the volume become 0 and 1, the rest is clipped'),
      low: z.number().min(0).max(100).default(1),
      high: z.number().min(0).max(100).default(99),
    })
    .refine(increasing, order),
  z.strictObject({
    kind: z
      .literal('histogram')
      .describe('the mean becomes 0.15 and the deciles above it spread evenly up to 1, for targets of other sequences'),
  }),
  z.strictObject({ kind: z.literal('min-max').describe('the least and greatest voxel become 0 and 1') }),
  z.strictObject({
    kind: z.literal('z-score').describe('the mean of the volume becomes 0, its deviation 1'),
    within: z
      .literal('nonzero')
      .optional()
      .describe('of what is not zero alone, which is scaled; zeros about it stay as they are. Default: of all voxels'),
  }),
  z
    .strictObject({
      kind: z.literal('window').describe('these values (Hounsfield units in CT) become 0 and 1, the rest is clipped'),
      low: z.number(),
      high: z.number(),
    })
    .refine(increasing, order),
  z
    .strictObject({
      kind: z
        .literal('fixed-z-score')
        .describe('clipped to low and high, then this mean becomes 0 and this deviation 1: a data set’s own constants'),
      low: z.number(),
      high: z.number(),
      mean: z.number(),
      deviation: z.number().positive(),
    })
    .refine(increasing, order),
]);

/** The planes that slices may lie in. */
export const planes = ['axial', 'coronal', 'sagittal'] as const;
export type Plane = (typeof planes)[number];

const pixels = z.int().positive();
const slice = z.int().min(0);

/**
 * How volumes become slices: `preprocessingSchema.parse({ spacing: 1 })` fills in the defaults and refuses unknown keys.
 * Keys and defaults are those of `preprocessing` in docs/recipes.md.
 *
 * @throws ZodError from `parse`, naming the key
 */
export const preprocessingSchema = z
  .strictObject({
    axis: z
      .enum([...planes, 'all'])
      .default('axial')
      .describe(
        'the plane of the slices; all: of the three planes each, and what is predicted is the mean of three predictions, for volumes whose voxels are about as long as wide',
      ),
    orientation: z
      .literal('stored')
      .optional()
      .describe(
        'slices lie as the file stores them, and `axial` slices run along its third axis, `coronal` along its second, `sagittal` along its first; default: turned to RAS',
      ),
    crop: z
      .literal('nonzero')
      .optional()
      .describe('of a volume only the box of what is not zero is seen; the rest is background. Default: all of it'),
    spacing: z
      .union([z.number().positive(), z.tuple([z.number().positive(), z.number().positive()])])
      .nullable()
      .default(null)
      .describe('in-plane pixel in mm, or [rows, columns]; null keeps each volume’s own'),
    resampling: z
      .literal('spline')
      .optional()
      .describe(
        'cubic splines over the whole field of view, which becomes a whole number of pixels, and back by interpolating the logarithms of probabilities, as nnU-Net does; default: linear, each pixel the mean of what it covers',
      ),
    size: z
      .tuple([pixels, pixels])
      .nullable()
      .default(null)
      .describe('[height, width] in pixels, padded or cropped about the centre; null pads to the next `multiple`'),
    stretch: z
      .boolean()
      .default(false)
      .describe('the whole slice is stretched to `size`, whatever its spacing, instead of padded or cropped'),
    multiple: pixels.default(8).describe('height and width are multiples of this'),
    slices: z
      .tuple([slice, slice])
      .refine(([first, last]) => first <= last, { error: 'the first slice must not come after the last' })
      .nullable()
      .default(null)
      .describe(
        '[first, last] of the volume’s slices, from 0 at the inferior, posterior or left end; the others are neither seen nor scaled by, and background in predictions; null takes all',
      ),
    intensity: intensitySchema.prefault({ kind: 'percentile' }).describe('how a volume’s intensities are scaled'),
  })
  .refine(({ stretch, spacing }) => !stretch || spacing === null, {
    error: 'a stretched slice has no spacing of its own: leave `spacing` out',
    path: ['stretch'],
  })
  .refine(({ crop, slices }) => !crop || slices === null, {
    error: 'the box of a cropped volume says which slices are seen: leave `slices` out',
    path: ['slices'],
  })
  .refine(({ axis, slices }) => axis !== 'all' || slices === null, {
    error: 'slices of all planes are not counted along one of them: leave `slices` out',
    path: ['slices'],
  })
  .refine(({ axis, resampling }) => axis !== 'all' || !resampling, {
    error: 'predictions of all planes are averaged as probabilities: leave `resampling` out',
    path: ['resampling'],
  })
  .refine(({ size, multiple }) => size === null || size.every((side) => side % multiple === 0), {
    error: 'both sides of size must be multiples of `multiple`',
    path: ['size'],
  });

/** What `preprocessingSchema` reads: saved in models and adapters, so that training and prediction prepare alike. */
export type Preprocessing = z.output<typeof preprocessingSchema>;
export type Intensity = Preprocessing['intensity'];
