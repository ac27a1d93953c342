/**
 * `volumes.csv` beside the masks: a line for each, with the volume of every class and what is doubted. It grows with the
 * masks of the folder: lines of earlier commands stay as long as their masks are there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parse } from 'csv-parse/sync';
import { writeFileAtomic } from '../../core/index.js';
import { csvOf } from '../../data/index.js';
import { jobError } from '../errors.js';
import type { Mask } from './mask.js';

type Line = Record<string, string>;

const fixed = { first: ['image', 'mask', 'segmented ml'], last: ['warnings'] };
/** A column with the adapters' targets where adapters were chosen; not the name of a class, since those end in `ml`. */
const chosen = 'adapter';
const decimals = 3;
/** A cell without what kept it from being run as a formula. */
const plain = (cell: string) => cell.replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, '');

export class VolumeTable {
  readonly file: string;
  /** By mask; by image where there is none. */
  readonly #lines = new Map<string, Line>();

  /** @param out the masks' folder @throws GraftError VOLUMES_FOREIGN where a table of that name is not one of these */
  constructor(out: string) {
    this.file = join(out, 'volumes.csv');
    if (!existsSync(this.file)) return;
    for (const line of this.#read())
      if (line.mask === '' || existsSync(join(out, line.mask))) this.#lines.set(line.mask || line.image, line);
  }

  #read(): Line[] {
    try {
      const [header, ...rows] = parse(readFileSync(this.file), { bom: true }) as string[][];
      if ([...fixed.first, ...fixed.last].every((name) => header.includes(name)))
        return rows.map((row) => Object.fromEntries(header.map((name, i) => [plain(name), plain(row[i])])));
    } catch {
      // Not a table that graft wrote, or damaged: either way it is not ours to replace.
    }
    throw jobError('VOLUMES_FOREIGN', { file: this.file });
  }

  /** Adds a mask's line, or puts it in the place of its earlier one, and writes the table. @throws GraftError WRITE_FAILED */
  add({ image, mask, segmentedMl, volumesMl, routing, warnings }: Mask): void {
    const name = mask === null ? '' : relative(dirname(this.file), mask);
    const volumes = Object.entries(volumesMl).map(([one, ml]) => [`${one} ml`, ml.toFixed(decimals)]);
    const line = {
      ...{ image, mask: name, 'segmented ml': segmentedMl.toFixed(decimals) },
      ...Object.fromEntries(volumes),
      ...(routing && { [chosen]: routing.target ?? 'none' }),
      warnings: warnings.join('; '),
    };
    if (name === '') this.#lines.delete(image);
    this.#lines.set(name || image, line);
    const lines = [...this.#lines.values()];
    const last = lines.some((one) => chosen in one) ? [chosen, ...fixed.last] : fixed.last;
    const own = [...fixed.first, ...last];
    const classes = [...new Set(lines.flatMap((one) => Object.keys(one)))].filter((one) => !own.includes(one));
    const columns = [...fixed.first, ...classes, ...last];
    const table = [columns, ...lines.map((one) => columns.map((column) => one[column] ?? ''))];
    writeFileAtomic(this.file, csvOf(table));
  }
}
