/** Volumes and masks read and written piece by piece are those of reading and writing at once. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  readLabel,
  readLabelWithPauses,
  readVolume,
  readVolumeWithPauses,
  writeMask,
  writeMaskWithPauses,
} from '../../src/data/index.js';
import { errorOf } from '../graft-error.js';
import { last } from '../last.js';
import { buildNifti, countUp, type TypeName, temporaryFolder, types, writeBytes } from './nifti-fixtures.js';

const folder = temporaryFolder();
const names = Object.keys(types) as TypeName[];

describe('a file that is read piece by piece', () => {
  it.each(names)('of %s gives the same volume, packed or not, of either byte order', async (type) => {
    for (const littleEndian of [true, false])
      for (const packed of [true, false]) {
        const bytes = buildNifti({ type, littleEndian, values: countUp(24) });
        const name = `${type} ${littleEndian} ${packed}.nii`;
        const path = writeBytes(folder, name, packed ? gzipSync(bytes) : bytes);
        expect(await last(readVolumeWithPauses(path))).toEqual(readVolume(path));
        expect(await last(readLabelWithPauses(path))).toEqual(readLabel(path));
      }
  });

  it('larger than any piece gives the same volume', async () => {
    const [side, depth] = [300, 40];
    const values = Array.from({ length: side * side * depth }, (_, i) => (i * 7919) % 251);
    const bytes = buildNifti({ type: 'int16', dims: [side, side, depth], values });
    const path = writeBytes(folder, 'large.nii.gz', gzipSync(bytes));
    const volume = await last(readVolumeWithPauses(path));
    expect(Buffer.compare(Buffer.from(volume.data.buffer), Buffer.from(readVolume(path).data.buffer))).toBe(0);
    const mask = Uint8Array.from(volume.data, (value) => (value > 100 ? 1 : 0));
    for (const ending of ['.nii', '.nii.gz']) {
      const [once, pieces] = ['once', 'pieces'].map((name) => join(folder, name + ending));
      writeMask(once, mask, volume.grid);
      await last(writeMaskWithPauses(pieces, mask, volume.grid));
      expect(readFileSync(pieces).equals(readFileSync(once))).toBe(true);
    }
  });

  it('that is damaged gives the same error', async () => {
    const bytes = buildNifti({ values: countUp(24) });
    const packed = gzipSync(bytes);
    const broken = {
      'short.nii': bytes.subarray(0, -3),
      'short.nii.gz': packed.subarray(0, -12),
      'bad.nii.gz': packed,
    };
    broken['bad.nii.gz'] = Buffer.from(packed);
    broken['bad.nii.gz'][packed.length - 6] ^= 255; // the checksum
    for (const [name, content] of Object.entries(broken)) {
      const path = join(folder, name);
      writeFileSync(path, content);
      const expected = errorOf(() => readVolume(path));
      const found = await last(readVolumeWithPauses(path)).catch((error) => error);
      expect([found.code, found.message]).toEqual([expected.code, expected.message]);
    }
  });
});
