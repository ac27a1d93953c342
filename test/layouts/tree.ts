/** Builds folders of a data set: real volumes, or files that are only named. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach } from 'vitest';
import { random } from '../../src/core/index.js';
import { buildNifti, type Recipe } from '../data/nifti-fixtures.js';

export interface Tree {
  /** A new folder for every test. */
  readonly root: string;
  at(...path: string[]): string;
  /** A file with these bytes or this text; .gz is packed. */
  put(path: string, content?: Uint8Array | string): string;
  /** A volume of 4 x 3 x 2 voxels whose noise is its path's own. */
  image(path: string, recipe?: Recipe): string;
  /** A label on the same grid: one voxel of every class named. */
  label(path: string, classes?: number[], recipe?: Recipe): string;
}

export function temporaryTree(): Tree {
  let root = '';
  const folders = new Set<string>();
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'graft-tree-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const at = (...path: string[]) => join(root, ...path);
  const put = (path: string, content: Uint8Array | string = '') => {
    const folder = dirname(at(path));
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
    folders.add(folder);
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    writeFileSync(at(path), path.endsWith('.gz') && bytes.length > 0 ? gzipSync(bytes) : bytes);
    return at(path);
  };
  return {
    get root() {
      return root;
    },
    at,
    put,
    image(path, recipe = {}) {
      const stream = random(1, path);
      const values = Array.from({ length: 24 }, () => Math.round(stream.normal(100, 30)));
      return put(path, buildNifti({ type: 'int16', values, ...recipe }));
    },
    label: (path, classes = [1], recipe = {}) =>
      put(path, buildNifti({ values: [...classes, ...new Array(24 - classes.length).fill(0)], ...recipe })),
  };
}
