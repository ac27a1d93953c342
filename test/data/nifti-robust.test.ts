import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { readVolume } from '../../src/data/index.js';
import { buildNifti, type Recipe, temporaryFolder, writeBytes } from './nifti-fixtures.js';

const folder = temporaryFolder();

/** The error that reading these bytes gives. */
function refusal(bytes: Uint8Array, name = 'file.nii'): GraftError {
  try {
    readVolume(writeBytes(folder, name, bytes));
  } catch (error) {
    expect(error).toBeInstanceOf(GraftError);
    return error as GraftError;
  }
  throw new Error('the file was read');
}

const patched = (patch: (file: Buffer) => void, recipe: Recipe = {}) => {
  const file = buildNifti(recipe);
  patch(file);
  return file;
};

describe('files that are cut short, damaged or too long', () => {
  it('says how many bytes were expected and found', () => {
    const file = buildNifti({ type: 'int16' });
    expect(refusal(file.subarray(0, 380)).message).toMatch(/expected 400 bytes .* found 380/);
    expect(refusal(gzipSync(file.subarray(0, 380))).message).toMatch(/expected 400 bytes .* found 380/);
    const noise = buildNifti({ type: 'float64', values: Array.from({ length: 24 }, (_, i) => Math.sin(i)) });
    const packed = gzipSync(noise);
    expect(refusal(packed.subarray(0, packed.length - 60)).message).toMatch(/expected 544 bytes .* found \d{3}:/);
    // All voxels are there, but not the checksum.
    expect(refusal(packed.subarray(0, packed.length - 4)).code).toBe('NIFTI_GZIP');
  });

  it('finds a flipped bit in compressed data', () => {
    const packed = gzipSync(buildNifti());
    packed[packed.length - 7] ^= 1;
    expect(refusal(packed).code).toBe('NIFTI_GZIP');
  });

  it('stops a gzip bomb of a gigabyte behind a small header', () => {
    const zeros = gzipSync(Buffer.alloc(2 ** 24));
    const bomb = Buffer.concat([gzipSync(buildNifti()), ...new Array<Buffer>(64).fill(zeros)]);
    const before = process.resourceUsage().maxRSS;
    expect(refusal(bomb, 'bomb.nii.gz').code).toBe('NIFTI_TOO_LONG');
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(2 ** 18); // kB
  });

  it('refuses a 60,000 x 60,000 header in a tiny file without making room for it', () => {
    const before = process.memoryUsage().arrayBuffers;
    const huge = (dims: bigint[]) =>
      patched(
        (file) => {
          for (const [i, size] of dims.entries()) file.writeBigInt64LE(size, 24 + 8 * i);
        },
        { version: 2 },
      );
    for (const bytes of [huge([60000n, 60000n]), gzipSync(huge([60000n, 60000n, 1n]))]) {
      expect(refusal(bytes).message).toMatch(/60000 x 60000/);
    }
    // Small enough to be read, had the file only the bytes.
    expect(refusal(huge([20000n, 20000n, 1n])).message).toMatch(/expected 400000544 bytes .* found 568/);
    expect(refusal(gzipSync(huge([20000n, 20000n, 1n]))).code).toBe('NIFTI_HOLLOW');
    expect(refusal(huge([2n ** 62n, 2n ** 62n, 2n ** 62n])).code).toBe('NIFTI_TOO_LARGE');
    // In NIfTI-1 the same number is negative.
    expect(refusal(patched((file) => file.writeUInt16LE(60000, 42))).message).toMatch(/found -5536 x 3 x 2/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });
});

describe('headers that cannot be true', () => {
  it.each<[string, RegExp, Uint8Array]>([
    ['a zero dimension', /dimensions.*found 4 x 0 x 2/, patched((file) => file.writeInt16LE(0, 44))],
    ['nine dimensions', /1 to 7 dimensions.*found 9/, patched((file) => file.writeInt16LE(9, 40))],
    ['voxels inside the header', /vox_offset.*found 100/, patched((file) => file.writeFloatLE(100, 108))],
    ['voxels at NaN', /vox_offset.*found NaN/, patched((file) => file.writeFloatLE(Number.NaN, 108))],
    ['voxels behind the end', /expected 4024 bytes .* found 376/, patched((file) => file.writeFloatLE(4000, 108))],
    ['a flat affine', /one plane/, buildNifti({ sform: { code: 1, rows: [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0] } })],
    ['an empty affine', /spacing of 0 x 0 x 0/, buildNifti({ sform: { code: 1, rows: new Array(12).fill(0) } })],
    ['an unknown type', /code 77/, patched((file) => file.writeInt16LE(77, 70))],
    ['an infinite intercept', /scl_inter/, buildNifti({ slope: 1, intercept: Number.POSITIVE_INFINITY })],
  ])('%s', (_, message, bytes) => {
    expect(refusal(bytes).message).toMatch(message);
  });
});

describe('files that are something else', () => {
  const starting = (text: string, at = 0) =>
    Buffer.concat([Buffer.alloc(at), Buffer.from(text, 'latin1'), Buffer.alloc(600)]);
  it.each<[string, string, Uint8Array]>([
    ['NIFTI_EXPECTED', 'a DICOM file', starting('DICM', 128)],
    ['NIFTI_EXPECTED', 'a gzip file that holds a DICOM file', gzipSync(starting('DICM', 128))],
    ['NIFTI_EXPECTED', 'gzip file that holds gzip data', gzipSync(gzipSync(buildNifti()))],
    ['NIFTI_EXPECTED', 'an NRRD file', starting('NRRD0004')],
    ['NIFTI_EXPECTED', 'Git LFS pointer', starting('version https://git-lfs')],
    ['NIFTI_EXPECTED', 'Analyze 7.5', starting('\x5c\x01\x00\x00')],
    ['NIFTI_EXPECTED', 'empty', new Uint8Array(0)],
    ['NIFTI_EXPECTED', 'only zero bytes', new Uint8Array(1000)],
    ['NIFTI_PAIR', 'half of a .hdr/.img pair', patched((file) => file.write('ni1', 344)).subarray(0, 352)],
    ['NIFTI_TYPE', 'RGB24', patched((file) => file.writeInt16LE(128, 70))],
    ['NIFTI_TYPE', 'complex64', patched((file) => file.writeInt16LE(32, 70))],
    ['NIFTI_TYPE', 'float128', patched((file) => file.writeInt16LE(1536, 70))],
    ['NIFTI_DIMENSIONS', '4 x 3 x 1 x 2', buildNifti({ dims: [4, 3, 1, 2] })],
    ['NIFTI_DIMENSIONS', '24', buildNifti({ dims: [24] })],
  ])('%s names %s', (code, found, bytes) => {
    expect(refusal(bytes)).toMatchObject({ code, message: expect.stringContaining(found) });
  });

  it('says why a path cannot be read', () => {
    expect(() => readVolume(join(folder, 'absent.nii'))).toThrow(/no such file/);
    expect(() => readVolume(folder)).toThrow(/not a regular file/);
    expect(() => readVolume('bad\0name.nii')).toThrow(GraftError);
  });

  it.skipIf(process.platform === 'win32')('does not wait for a pipe that nobody fills', () => {
    const pipe = join(folder, 'pipe.nii');
    execFileSync('mkfifo', [pipe]);
    expect(() => readVolume(pipe)).toThrow(/not a regular file/);
  });
});

describe('whatever the bytes are', () => {
  const recipes: Recipe[] = [
    {},
    { version: 2, type: 'float64' },
    { littleEndian: false, type: 'int16', pixdim: [1, 1, 2, 3] },
  ];
  const whole = recipes.map((recipe) => buildNifti(recipe));

  /** Reads, or fails as it should. */
  function survives(bytes: Uint8Array): void {
    try {
      const { data, shape, affine } = readVolume(writeBytes(folder, 'fuzz.nii', bytes));
      expect(data).toHaveLength(shape[0] * shape[1] * shape[2]);
      expect(affine.every(Number.isFinite) && data.every(Number.isFinite)).toBe(true);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
    }
  }
  const packed = (bytes: Uint8Array, pack: boolean) => (pack ? gzipSync(bytes) : bytes);
  const file = fc.constantFrom(...whole);

  it('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 800 }), fc.boolean(), (bytes, pack) => survives(packed(bytes, pack))),
      {
        numRuns: 500,
      },
    );
  });

  it('a file cut anywhere', () => {
    fc.assert(
      fc.property(file, fc.boolean(), fc.nat(800), (bytes, pack, end) =>
        survives(packed(bytes, pack).subarray(0, end)),
      ),
      { numRuns: 1000 },
    );
  });

  it('a file with flipped bits, before or after it was packed', () => {
    const before = process.resourceUsage().maxRSS;
    const bits = fc.array(fc.nat(8 * 560), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(file, bits, fc.constantFrom('plain', 'before', 'after'), (bytes, flips, pack) => {
        const changed = Buffer.from(pack === 'after' ? gzipSync(bytes) : bytes);
        for (const flip of flips) changed[(flip >> 3) % changed.length] ^= 1 << (flip & 7);
        survives(packed(changed, pack === 'before'));
      }),
      { numRuns: 3000 },
    );
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(2 ** 17); // kB
  });
});
