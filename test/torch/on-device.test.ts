/** Where tensors are made when nothing is said, and tensors that are shapes only. */
import { describe, expect, it } from 'vitest';
import { full, onDevice, ones, tensor, zeros } from '../../src/torch/index.js';

describe('onDevice', () => {
  it('holds inside its body, unless a device is named, and ends with it, also by an error', () => {
    const made = onDevice('meta', () => [zeros([2]), ones([2]), full([2], 3), tensor([1, 2])]);
    for (const value of made) expect(value.device).toBe('meta');
    expect(onDevice('meta', () => zeros([2], { device: 'cpu' })).device).toBe('cpu');
    expect(() =>
      onDevice('meta', () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(zeros([2]).device).toBe('cpu');
  });

  it('meta computes shapes of any size', () => {
    const huge = onDevice('meta', () => zeros([1_000_000, 1_000_000]));
    expect(huge.size).toBe(1e12);
    expect(huge.matmul(huge.transpose(0, 1)).sum([0]).shape).toEqual([1_000_000]);
  });
});
