import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { surfelAreas } from '../../src/metrics/surfels.js';

const spacing = [2, 1, 0.7] as const;
const length = fc.double({ min: 0.1, max: 10, noNaN: true });

describe('surfelAreas', () => {
  const areas = surfelAreas(spacing);
  const [sz, sy, sx] = spacing;

  it('is zero only where the surface does not pass', () => {
    expect(areas).toHaveLength(256);
    expect([...areas.keys()].filter((code) => !(areas[code]! > 0))).toEqual([0, 255]);
  });
  it('is a whole voxel face for a flat surface', () => {
    expect(areas[0b00001111]).toBeCloseTo(sy * sx, 12); // the four voxels of one z
    expect(areas[0b00110011]).toBeCloseTo(sz * sx, 12); // of one y
    expect(areas[0b01010101]).toBeCloseTo(sz * sy, 12); // of one x
  });
  it('cuts a single corner off by the triangle of three edge middles', () => {
    const triangle = Math.hypot(sz * sy, sz * sx, sy * sx) / 8;
    for (let corner = 0; corner < 8; corner++) expect(areas[1 << corner]).toBeCloseTo(triangle, 12);
  });
  it('cuts an edge off by a slanted rectangle', () => {
    expect(areas[0b00000011]).toBeCloseTo(sx * Math.hypot(sz / 2, sy / 2), 12);
  });
  it('cuts diagonal corners off separately, on a face and through the cube', () => {
    const corner = areas[1]!;
    for (const code of [0b00001001, 0b10000001]) expect(areas[code]).toBeCloseTo(2 * corner, 12);
    expect(areas[0b01101001]).toBeCloseTo(4 * corner, 12);
  });
  it('cuts a corner and its three neighbours off by a flat hexagon of six triangles', () => {
    expect(areas[0b00010111]).toBeCloseTo(6 * areas[1]!, 12);
  });
  it('does not depend on which side is inside, nor on the direction of an axis', () => {
    const mirrored = (code: number, flip: number) =>
      [...Array(8).keys()].reduce((bits, corner) => bits | (((code >> corner) & 1) << (corner ^ flip)), 0);
    for (let code = 0; code < 256; code++) {
      expect(areas[255 ^ code]).toBeCloseTo(areas[code]!, 12);
      for (let flip = 1; flip < 8; flip++) expect(areas[mirrored(code, flip)]).toBeCloseTo(areas[code]!, 12);
    }
  });
  it('follows the axes when they are exchanged', () => {
    fc.assert(
      fc.property(length, length, length, fc.integer({ min: 0, max: 255 }), (a, b, c, code) => {
        let turned = 0; // z → y → x → z
        for (let corner = 0; corner < 8; corner++)
          if ((code >> corner) & 1) turned |= 1 << ((corner >> 1) | ((corner & 1) << 2));
        const before = surfelAreas([a, b, c])[code]!;
        expect(surfelAreas([c, a, b])[turned]).toBeCloseTo(before, 9);
      }),
      { numRuns: 50 },
    );
  });
});
