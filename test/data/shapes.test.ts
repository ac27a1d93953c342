/** Generated scenes: repeatable, varied, and with objects that can be told from what is around them. */
import { describe, expect, it } from 'vitest';
import { random } from '../../src/core/index.js';
import { drawScene, type Scene } from '../../src/data/index.js';

const size = 64;
const scenes: Scene[] = Array.from({ length: 60 }, (_, i) => drawScene(size, random(1, 'scene', i)));
const areas = ({ objects, count }: Scene) => {
  const result = new Array<number>(count + 1).fill(0);
  for (const one of objects) result[one]++;
  return result;
};

describe('scenes', () => {
  it('come again from the same stream', () => {
    expect(drawScene(size, random(1, 'scene', 0))).toEqual(scenes[0]);
    expect(drawScene(size, random(1, 'scene', 1))).not.toEqual(scenes[0]);
  });

  it('have intensities from 0 to 1', () => {
    for (const { image } of scenes) {
      expect(image.length).toBe(size * size);
      expect(Math.min(...image)).toBe(0);
      expect(Math.max(...image)).toBe(1);
    }
  });

  it('number their objects without gaps, none too small to see', () => {
    for (const scene of scenes) for (const area of areas(scene).slice(1)) expect(area).toBeGreaterThanOrEqual(12);
    expect(new Set(scenes.map(({ count }) => count)).size).toBeGreaterThan(4);
  });

  it('have objects of a few pixels and of a quarter of the image', () => {
    const all = scenes.flatMap((scene) => areas(scene).slice(1));
    expect(Math.min(...all)).toBeLessThan(40);
    expect(Math.max(...all)).toBeGreaterThan(size * size * 0.25);
  });

  it('mostly show objects that differ from the ground', () => {
    const contrasts = scenes.flatMap(({ image, objects, count }) =>
      Array.from({ length: count }, (_, i) => {
        const mean = (number: number) => {
          const values = image.filter((_, pixel) => objects[pixel] === number);
          return values.reduce((a, b) => a + b, 0) / values.length;
        };
        return Math.abs(mean(i + 1) - mean(0));
      }),
    );
    expect(contrasts.filter((contrast) => contrast > 0.05).length / contrasts.length).toBeGreaterThan(0.8);
  });
});
