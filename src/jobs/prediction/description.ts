/** What describes a folder of masks to nnU-Net, or to programs that read BIDS. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readRegular, version, writeFileAtomic } from '../../core/index.js';
import { jobError } from '../errors.js';
import type { Outputs } from './outputs.js';

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

/** Texts by the names of their files; none for masks in other formats. */
function descriptionOf(format: Outputs['format'], classes: readonly string[]): Record<string, string> {
  const names = ['background', ...classes];
  if (format === 'nnunet')
    return {
      'dataset.json': json({
        channel_names: { 0: 'image' },
        labels: Object.fromEntries(names.map((name, i) => [name, i])),
        numTraining: 0,
        file_ending: '.nii.gz',
      }),
    };
  if (format !== 'bids') return {};
  return {
    'dataset_description.json': json({
      Name: 'Masks by graft',
      BIDSVersion: '1.10.0',
      DatasetType: 'derivative',
      GeneratedBy: [{ Name: 'graft', Version: version }],
    }),
    'desc-graft_dseg.tsv': ['index\tname', ...names.map((name, i) => `${i}\t${name}`), ''].join('\n'),
    // A mask lies on the grid of its image, whatever the image is aligned to.
    'desc-graft_dseg.json': json({
      Description: 'Classes that a model segmented in the image',
      SpatialReference: 'orig',
    }),
    // What graft writes beside masks is nothing that BIDS knows.
    '.bidsignore': 'volumes.csv\ngraft-audit.jsonl\n**/*.warnings.json\n',
  };
}

/** Writes it, unless it is there already. @throws GraftError DESCRIPTION_OTHER where another is there; WRITE_FAILED */
export function describeMasks({ out, format }: Pick<Outputs, 'out' | 'format'>, classes: readonly string[]): void {
  const files = Object.entries(descriptionOf(format, classes)).map(([name, text]) => ({ file: join(out, name), text }));
  const absent = files.filter(({ file }) => !existsSync(file));
  for (const { file, text } of files)
    if (existsSync(file) && readRegular(file).toString() !== text) throw jobError('DESCRIPTION_OTHER', { file });
  for (const { file, text } of absent) writeFileAtomic(file, text);
}
