/** Whether one scaling of intensities suits all sites, and which. */
import { type Inspected, rangeOf, type SiteFacts } from './sites.js';
import type { DataWarning } from './warning.js';
import { listed, namesOf, rounded, sitesWith } from './words.js';

/** Widths of the intensities (percentiles 1 to 99) that differ by this factor. */
const intensityFactor = 2;

/** Soft tissue, in HU. */
export const hounsfieldWindow = { low: -160, high: 240 };

export function intensityWarnings(all: readonly Inspected[], sites: readonly SiteFacts[]): DataWarning[] {
  const topic = 'intensity';
  // No scaling helps where every voxel is the same.
  const cases = all.filter(({ image: { intensity } }) => intensity.least < intensity.greatest);
  if (cases.length === 0) return [];
  const sparse = cases.filter(({ image: { intensity } }) => intensity.p1 === intensity.p99);
  const own = 'preprocessing.intensity: { kind: percentile, low: 1, high: 99 }';
  if (sparse.length > 0)
    return [
      {
        topic,
        message: `${namesOf(sparse)}: the percentiles 1 and 99 are equal, most voxels have one value`,
        advice: 'Scaling by percentiles has nothing to stretch there.',
        recipe: 'preprocessing.intensity: { kind: min-max }',
      },
    ];
  const withUnit = (unit: 'HU' | 'arbitrary') => sitesWith(sites, ({ units }) => units.includes(unit));
  if (cases.every(({ image }) => image.unit === 'HU'))
    return [
      {
        topic,
        message: 'all values look like Hounsfield units',
        advice: 'A fixed window keeps them comparable between scanners; this one is for soft tissue.',
        recipe: `preprocessing.intensity: { kind: window, low: ${hounsfieldWindow.low}, high: ${hounsfieldWindow.high} }`,
      },
    ];
  if (cases.some(({ image }) => image.unit === 'HU'))
    return [
      {
        topic,
        message: `Hounsfield units at ${listed(withUnit('HU'))}, arbitrary units at ${listed(withUnit('arbitrary'))}`,
        advice: 'No window suits both: scale every volume by its own percentiles, or keep CT and MR apart.',
        recipe: own,
      },
    ];
  const { least, greatest } = rangeOf(cases.map(({ image: { intensity } }) => intensity.p99 - intensity.p1));
  if (greatest < intensityFactor * least) return [];
  const where = sites.map(({ name, intensity }) => `${name} ${rounded(intensity.p1)} to ${rounded(intensity.p99)}`);
  return [
    {
      topic,
      message: `units are arbitrary and differ ${rounded(greatest / least)}-fold (percentiles 1 to 99: ${where.join(', ')})`,
      advice: 'Scale every volume by itself, as this line (the default) does; a fixed window would not suit them.',
      recipe: own,
    },
  ];
}
