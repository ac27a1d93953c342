/**
 * Which frame of a series each voxel of its volumes comes from.
 *
 * dcm2niix sorts frames into volumes, turns slices and reverses their order by rules of each maker. Instead of repeating
 * these, the series is converted once more with the frame's number for every pixel: what comes out says where each frame
 * went.
 */
import type { Header } from './header.js';

/** The most frames that numbers of 16 bits, with a sign, can tell apart. */
const mostFrames = 2 ** 15 - 1;

/** The number of each file's first frame: frames are counted through a series, from 0, in the order of its files. */
export function firstFrames(headers: readonly Header[]): number[] {
  let next = 0;
  return headers.map(({ frameCount }) => {
    const first = next;
    next += frameCount;
    return first;
  });
}

/**
 * @param converted the series with numbers for pixels, each one more than its frame's
 * @returns the frames by the names of their volumes, int32 a voxel in the file's order; undefined where a volume was
 * interpolated or its frames are too many to be told apart
 */
export function framesOfVoxels(
  converted: readonly { name: string; bytes: Uint8Array }[],
  headers: readonly Header[],
): Map<string, Int32Array> | undefined {
  const count = headers.reduce((sum, { frameCount }) => sum + frameCount, 0);
  if (count > mostFrames) return undefined;
  const traced = new Map(converted.map(({ name, bytes }) => [name, Int32Array.from(voxelsOf(bytes), (n) => n - 1)]));
  const whole = [...traced.values()].every((frames) => frames.every((frame) => frame >= 0 && frame < count));
  return whole ? traced : undefined;
}

const types = { 2: Uint8Array, 4: Int16Array, 8: Int32Array, 16: Float32Array, 512: Uint16Array } as const;

/** The stored voxels of a NIfTI-1 file of this machine's byte order. */
export function voxelsOf(bytes: Uint8Array): Uint8Array | Int16Array | Int32Array | Float32Array | Uint16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = types[view.getInt16(70, true) as keyof typeof types];
  // A copy, as voxels need not lie where numbers of their size may.
  return new type(bytes.slice(view.getFloat32(108, true)).buffer);
}
