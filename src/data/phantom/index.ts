/**
 * Phantoms: head volumes from imaginary scanners with brain masks, so that everything in graft runs without any data.
 * They show that a method works, never how well it works on patients.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { errorsOf, random } from '../../core/index.js';
import type { Dataset } from '../dataset.js';
import { datasetErrors } from '../dataset-errors.js';
import { readDataset } from '../layouts/index.js';
import { writeVolume } from '../nifti/index.js';
import { acquire, randomProtocol } from './acquire.js';
import { type ScannerName, scanners } from './scanners.js';

export { type ScannerName, scanners } from './scanners.js';

const phantomError = errorsOf(datasetErrors);
const names = Object.keys(scanners) as ScannerName[];

export const phantomSchema = z.strictObject({
  seed: z.int().min(0).default(0).describe('fixes every voxel'),
  scanners: z.array(z.enum(names)).nonempty().default(names).describe('one site each, named after the scanner'),
  cases: z.int().min(1).max(99).default(6).describe('cases of each site'),
  spacing: z.number().min(0.5).max(8).default(2.75).describe('voxel side in mm before the scanner’s own resolution'),
  mixed: z
    .boolean()
    .optional()
    .describe('each case has a field of view, a pixel and a slice thickness of its own, as protocols change'),
});

export type PhantomOptions = z.input<typeof phantomSchema>;

/**
 * Writes `ROOT/SCANNER/{images,labels}/patientNN.nii.gz` (int16 and uint8; label 1 is brain) and reads the data set back.
 * A case depends on the seed, its scanner, its name and the spacing alone: asking for more cases or scanners keeps it.
 * At the default spacing a volume of the first scanner has 64 x 72 x 64 voxels; files of the same names are replaced.
 *
 * @throws GraftError PHANTOM_OPTIONS, WRITE_FAILED
 */
export function generatePhantoms(root: string, options: PhantomOptions = {}): Dataset {
  const parsed = phantomSchema.safeParse(options);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
    throw phantomError('PHANTOM_OPTIONS', { problems, scanners: names.join(', ') });
  }
  const { seed, cases, spacing, mixed } = parsed.data;
  for (const site of parsed.data.scanners)
    for (let number = 1; number <= cases; number++) {
      const name = `patient${String(number).padStart(2, '0')}`;
      const stream = (part: string) => random(seed, 'phantom', site, name, part);
      const { image, brain, shape, affine } = acquire(scanners[site], spacing, {
        ...{ anatomy: stream('anatomy'), session: stream('session') },
        ...(mixed && { protocol: randomProtocol(stream('protocol')) }),
      });
      const path = (kind: string) => join(root, site, kind, `${name}.nii.gz`);
      writeVolume(path('images'), { data: image, shape, affine }, { description: `graft phantom ${site}` });
      writeVolume(path('labels'), { data: brain, shape, affine }, { description: `graft phantom ${site}` });
    }
  return readDataset(root);
}
