/**
 * Where sites differ so much that a choice is due before training, and the line of a recipe that makes it.
 *
 * The thresholds are rules of thumb, set so that a set from one scanner is silent.
 */
import { intensityWarnings } from './intensity-warnings.js';
import { labelWarnings } from './label-warnings.js';
import { type Inspected, rangeOf, type SiteFacts } from './sites.js';
import type { DataWarning } from './warning.js';
import { listed, namesOf, rounded, sitesWith } from './words.js';

/** A slice direction this many times as long as the others is a plane of acquisition. */
const thick = 1.5;
/** Pixels, and sides of slices in pixels, that differ by this factor. */
const pixelFactor = 1.1;
const sideFactor = 1.25;
/** Degrees from the patient's axes: beyond this a slice shows another plane than its name says. */
const obliqueLimit = 30;

const planes = ['axial', 'coronal', 'sagittal'] as const;
/** Rows and columns of a plane's slices among [z, y, x]. */
const sides = { axial: [1, 2], coronal: [0, 2], sagittal: [0, 1] } as const;
type Plane = (typeof planes)[number];

/**
 * @param sites of the same cases
 * @param classes names of the labels 1, 2, …, where the data set says them
 */
export function warningsOf(
  cases: readonly Inspected[],
  sites: readonly SiteFacts[],
  classes?: readonly string[],
): DataWarning[] {
  if (cases.length === 0) return [];
  const { plane, warnings } = planeOf(sites);
  const pixel = pixelOf(cases, sites, plane);
  return [
    ...orientationWarnings(cases, sites),
    ...warnings,
    ...pixel.warnings,
    ...sizeWarnings(cases, plane, pixel.spacing),
    ...intensityWarnings(cases, sites),
    ...labelWarnings(cases, sites, classes),
  ];
}

function orientationWarnings(cases: readonly Inspected[], sites: readonly SiteFacts[]): DataWarning[] {
  const warnings: DataWarning[] = [];
  const topic = 'orientation';
  const codes = [...new Set(sites.flatMap(({ axes }) => axes.map(([code]) => code)))];
  if (codes.length > 1) {
    const where = codes.map(
      (code) => `${code} (${listed(sitesWith(sites, ({ axes }) => axes.some(([one]) => one === code)))})`,
    );
    warnings.push({
      topic,
      message: `images are stored in different orientations: ${where.join(', ')}`,
      advice: 'Nothing to set: every image is read as RAS, and masks are written as their image is stored.',
    });
  }
  const unplaced = cases.filter(({ image }) => image.placedBy === 'voxel sizes');
  if (unplaced.length > 0)
    warnings.push({
      topic,
      message: `the headers of ${namesOf(unplaced)} do not say where left and right are (neither sform nor qform)`,
      advice:
        'They are taken for RAS. Compare the marks R and A of the contact sheet with the anatomy; correct the headers at the source.',
    });
  const doubts = new Set(cases.flatMap(({ image }) => image.doubts ?? []));
  for (const doubt of doubts)
    warnings.push({
      topic,
      message: `the header of ${namesOf(cases.filter(({ image }) => image.doubts?.includes(doubt)))}: ${doubt}`,
      advice: 'Compare the marks R and A of the contact sheet with the anatomy; correct the headers at the source.',
    });
  const oblique = cases.filter((one) => one.image.oblique > obliqueLimit);
  if (oblique.length > 0)
    warnings.push({
      topic,
      message: `${namesOf(oblique)}: oblique by more than ${obliqueLimit} degrees`,
      advice: 'Slices follow the nearest axis and are not turned: they show another plane than those of other cases.',
    });
  return warnings;
}

/** The plane that slices should have: across the direction in which voxels are longest. */
function planeOf(sites: readonly SiteFacts[]): { plane: Plane; warnings: DataWarning[] } {
  const planeAt = ({ spacing }: SiteFacts): Plane | undefined => {
    const lengths = spacing.map(({ median }) => median);
    const longest = lengths.indexOf(Math.max(...lengths));
    const others = lengths.filter((_, axis) => axis !== longest);
    return lengths[longest] >= thick * Math.max(...others) ? planes[longest] : undefined;
  };
  const found = planes.filter((plane) => sites.some((site) => planeAt(site) === plane));
  const casesIn = (plane: Plane) => sites.reduce((sum, site) => sum + (planeAt(site) === plane ? site.cases : 0), 0);
  const plane = found.reduce((best, other) => (casesIn(other) > casesIn(best) ? other : best), found[0] ?? 'axial');
  const warning = (message: string, advice: string): DataWarning[] => [
    { topic: 'plane', message, advice, recipe: `preprocessing.axis: ${plane}` },
  ];
  if (found.length > 1) {
    const where = found.map((one) => `${one} (${listed(sitesWith(sites, (site) => planeAt(site) === one))})`);
    return {
      plane,
      warnings: warning(
        `sites were scanned in different planes: ${where.join(', ')}`,
        'A slice across the others has long pixels in one direction. Take the plane of most cases, or train on the rest by itself.',
      ),
    };
  }
  const message = `slices are thick and ${plane} at ${listed(sitesWith(sites, (site) => planeAt(site) === plane))}`;
  const advice = 'Slices are axial unless the recipe says otherwise; in another plane they have square pixels.';
  return { plane, warnings: plane === 'axial' ? [] : warning(message, advice) };
}

/** The pixel that slices should have; undefined where the images' own are nearly the same. */
function pixelOf(cases: readonly Inspected[], sites: readonly SiteFacts[], plane: Plane) {
  const { least, median, greatest } = rangeOf(
    cases.flatMap(({ image }) => sides[plane].map((axis) => image.spacing[axis])),
  );
  if (greatest < pixelFactor * least) return { spacing: undefined, warnings: [] };
  const spacing = Number(median.toPrecision(2));
  const where = sites.map(
    (one) => `${one.name} ${sides[plane].map((axis) => rounded(one.spacing[axis].median)).join(' x ')}`,
  );
  const warning: DataWarning = {
    topic: 'spacing',
    message: `pixels of ${plane} slices are ${rounded(least)} to ${rounded(greatest)} mm; medians: ${where.join(', ')}`,
    advice: 'A network sees pixels, not millimetres: resample all slices to one pixel, here the median.',
    recipe: `preprocessing.spacing: ${spacing}`,
  };
  return { spacing, warnings: [warning] };
}

function sizeWarnings(cases: readonly Inspected[], plane: Plane, spacing: number | undefined): DataWarning[] {
  const [rows, columns] = sides[plane].map((axis) =>
    rangeOf(
      cases.map(({ image }) =>
        Math.ceil((image.size[axis] * image.spacing[axis]) / (spacing ?? image.spacing[axis]) - 1e-3),
      ),
    ),
  );
  if (rows.greatest < sideFactor * rows.least && columns.greatest < sideFactor * columns.least) return [];
  const side = ({ greatest }: { greatest: number }) => 8 * Math.ceil(greatest / 8);
  return [
    {
      topic: 'size',
      message: `slices have ${rows.least} to ${rows.greatest} rows and ${columns.least} to ${columns.greatest} columns${spacing === undefined ? '' : ` at ${spacing} mm`}`,
      advice:
        'Only slices of one size stand in one batch: pad all to the largest, or crop further where the rest is background.',
      recipe: `preprocessing.size: [${side(rows)}, ${side(columns)}]`,
    },
  ];
}
