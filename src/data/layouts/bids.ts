/**
 * BIDS: images in `sub-*[/ses-*]/anat`, masks below `derivatives` as `…_mask.nii.gz` or `…_dseg.nii.gz` under the
 * entities of the image that they belong to. Subjects are patients.
 *
 * BIDS has no sites. What networks are adapted between is one here: the column `site` of `participants.tsv` where there
 * is one, and the suffix (`T1w`, `FLAIR`) where images have several or there is no such column: `T1w`, `leeds`,
 * `leeds-T1w`. A mask says by `space-T1w` that it belongs to that suffix alone. Left out: other data types than `anat`,
 * and what lies in `anat` beside images: masks that were used to remove faces, segmentations, reference scans.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFault } from '../../core/index.js';
import type { Case } from '../dataset.js';
import { niftiStem } from '../nifti/index.js';
import { layoutError } from './errors.js';
import { type Layout, listed, visible, volumesBelow } from './layout.js';
import { cellOf, readTable } from './table.js';

/** A file name as BIDS reads it: `sub-01_ses-02_T1w`. */
interface Name {
  stem: string;
  /** `sub` -> `01` */
  entities: Map<string, string>;
  /** What is last and no entity. */
  suffix: string;
}

function nameOf(path: string): Name {
  const stem = niftiStem(path)!;
  const parts = stem.split('_');
  const suffix = parts.at(-1)!;
  const entities = parts.slice(0, -1).map((part) => part.split(/-(.*)/s, 2) as [string, string]);
  return { stem, entities: new Map(entities), suffix };
}

/** Suffixes of what is made of images or for them. */
const byProducts = ['mask', 'defacemask', 'dseg', 'probseg', 'dparc', 'sbref'];
/** Whether it shows the patient. `mod` says of which suffix something is a mask, `label` what is marked in it. */
const isImage = ({ suffix, entities }: Name) =>
  !byProducts.includes(suffix) && !entities.has('mod') && !entities.has('label');

/** Entities that only a derivative has. */
const own = ['space', 'res', 'den', 'label', 'desc'];
const keyOf = ({ entities }: Name) =>
  [...entities]
    .filter(([entity]) => !own.includes(entity))
    .map((pair) => pair.join('-'))
    .sort()
    .join('_');

export const bids: Layout = {
  recognises: (root) => existsSync(join(root, 'dataset_description.json')) && subjects(root).length > 0,
  read(root, report, { masks: pattern }) {
    const images = subjects(root)
      .flatMap((subject) => volumesBelow(root, subject))
      .filter((path) => path.split(/[\\/]/).at(-2) === 'anat')
      .map((path) => ({ path, ...nameOf(path) }))
      .filter(isImage);
    if (images.length === 0) report(layoutError('DATASET_EMPTY_SITE', { folder: root, found: listed(visible(root)) }));
    const suffixes = new Set(images.map(({ suffix }) => suffix));
    const sites = sitesOf(root);
    const derivatives = join(root, 'derivatives');
    const wanted = compile(pattern);
    const masks = volumesBelow(derivatives)
      .filter((path) => /_(mask|dseg)$/.test(niftiStem(path)!) && wanted.test(path))
      .map((path) => ({ path, ...nameOf(path) }));

    const cases = images.map((image): Case => {
      const subject = `sub-${image.entities.get('sub')}`;
      const parts = [sites.get(subject), suffixes.size > 1 || sites.size === 0 ? image.suffix : undefined];
      const site = parts.filter((part) => part !== undefined).join('-') || image.suffix;
      const one = { site, name: image.stem, image: join(root, image.path), patient: subject };
      const own = masks.filter((mask) => {
        const space = mask.entities.get('space');
        return keyOf(mask) === keyOf(image) && (!space || !suffixes.has(space) || space === image.suffix);
      });
      if (own.length > 1) {
        const found = listed(own.map(({ path }) => path));
        report(layoutError('DATASET_SEVERAL_MASKS', { image: one.image, found }), one);
      }
      return { ...one, ...(own.length === 1 && { label: join(derivatives, own[0].path) }) };
    });
    return { cases };
  },
};

const subjects = (root: string) => visible(root).filter((name) => name.startsWith('sub-'));

/** Sites by subject; none without a column `site`. @throws GraftError DATASET_LIST */
function sitesOf(root: string): Map<string, string> {
  const file = join(root, 'participants.tsv');
  if (!existsSync(file)) return new Map();
  try {
    const rows = readTable<string>(file, { columns: (header) => header, separator: '\t' });
    const sites = rows.map(({ record }) => [record.participant_id, cellOf(record.site)] as const);
    return new Map(sites.filter((one): one is [string, string] => one[0] !== undefined && one[1] !== undefined));
  } catch (error) {
    throw layoutError('DATASET_LIST', { file, problem: `is not a table (${readFault(error)})` }, error);
  }
}

function compile(pattern = ''): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    const reason = (error as Error).message.replace(/^Invalid regular expression: /, '');
    throw layoutError('DATASET_MASK_PATTERN', { pattern, reason }, error);
  }
}
