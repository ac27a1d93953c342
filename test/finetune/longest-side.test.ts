/**
 * A checkpoint of segment-anything is asked as segment-anything asks it: `ResizeLongestSide`, `Sam.preprocess` and
 * `Sam.postprocess_masks` written out here with PyTorch's own operators, on slices that are not square.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { placeInSlices, preparationOf, readVolume, type Volume, writeVolume } from '../../src/data/index.js';

import { loadSamCheckpoint, publishedConfig, Sam, samStateOf } from '../../src/networks/sam/index.js';
import { readState } from '../../src/nn/index.js';
import {
  loadSegmenter,
  type Prompt,
  promptSchema,
  saveSegmenter,
  segmentWithPrompt,
} from '../../src/segmenter/index.js';
import { noGrad, operator, setThreads, type Tensor, tensor } from '../../src/torch/index.js';
import { root } from '../child.js';
import { temporaryFolder } from '../dicom/fixtures.js';

setThreads(1);
const at = (name: string) => join(folder, name);
const folder = temporaryFolder();
const checkpoint = join(root, 'test/golden/sam-checkpoint/checkpoint.pth');
const sam = new Sam(publishedConfig(samStateOf(readState(checkpoint).state, checkpoint), checkpoint));
loadSamCheckpoint(sam, checkpoint);
const side = sam.config.imageSize;
const model = loadSegmenter(checkpoint, { scaling: 'sam' });

type Resize = (x: Tensor, size: number[], alignCorners: boolean, scaleH: null, scaleW: null) => Tensor;
/** What PIL's bilinear filter computes, but for rounding to bytes. */
const resizeAsPil = operator('aten::_upsample_bilinear2d_aa') as Resize;
const interpolate = operator('aten::upsample_bilinear2d') as Resize;
const padRight = operator('aten::constant_pad_nd') as (x: Tensor, pad: number[], value: number) => Tensor;

/** A volume of three different axial slices, between 0 and 1 so that nothing is clipped. */
function volumeOf(rows: number, columns: number) {
  const data = Float32Array.from({ length: 3 * rows * columns }, (_, i) => {
    const [z, y, x] = [Math.floor(i / rows / columns), Math.floor(i / columns) % rows, i % columns];
    const inside = (y / rows - 0.6) ** 2 + (x / columns - 0.3) ** 2 < 0.04 + 0.01 * z;
    // More than half a percent of each extreme: the percentiles are 0 and 1.
    return (i * 37) % 50 === 0 ? 0 : (i * 41) % 50 === 1 ? 1 : (inside ? 0.7 : 0.2) + 0.1 * Math.sin(x / 3 + y / 5);
  });
  const file = at(`${rows}x${columns}.nii.gz`);
  writeVolume(file, { data, shape: [3, rows, columns], affine: [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1] });
  return readVolume(file);
}

/** segment-anything's `SamPredictor` on one slice. */
function published(slice: Float32Array, [rows, columns]: [number, number], { points, box }: Prompt) {
  return noGrad(() => {
    const scale = side / Math.max(rows, columns);
    const [newRows, newColumns] = [Math.floor(rows * scale + 0.5), Math.floor(columns * scale + 0.5)];
    const colour = tensor(slice, [1, 1, rows, columns]).mul(255).expand(1, 3, rows, columns).contiguous();
    const resized = resizeAsPil(colour, [newRows, newColumns], false, null, null);
    const [mean, std] = [
      tensor([123.675, 116.28, 103.53], [1, 3, 1, 1]),
      tensor([58.395, 57.12, 57.375], [1, 3, 1, 1]),
    ];
    const image = padRight(resized.sub(mean).div(std), [0, side - newColumns, 0, side - newRows], 0);
    const place = ([x, y]: readonly number[]) => [x * (newColumns / columns), y * (newRows / rows)];
    const prompts = {
      ...(points.length > 0 && {
        points: {
          places: tensor(
            points.flatMap((one) => place(one.at)),
            [1, points.length, 2],
          ),
          labels: tensor(
            points.map(({ inside }) => Number(inside)),
            [1, points.length],
            { dtype: 'int64' },
          ),
        },
      }),
      ...(box && { boxes: tensor([...place(box.from), ...place(box.to)], [1, 4]) }),
    };
    const { lowResolution, iou } = sam.prompted(sam.encode(image), prompts);
    const padded = interpolate(lowResolution, [side, side], false, null, null);
    const cropped = padded.narrow(2, 0, newRows).narrow(3, 0, newColumns).contiguous();
    const logits = interpolate(cropped, [rows, columns], false, null, null);
    const scores = iou.toArray();
    const single = points.length === 1 && !box;
    const best = single ? 1 + scores.slice(1).indexOf(Math.max(...scores.slice(1))) : 0;
    return { logits: logits.select(1, best).contiguous().toArray<'float32'>(), iou: scores[best] };
  });
}

describe('a prompt to a checkpoint of segment-anything', () => {
  it.each([
    ['wide, enlarged', [20, 33]],
    ['tall, enlarged', [45, 17]],
    ['tall, reduced', [190, 140]],
    ['square', [32, 32]],
  ] as [string, [number, number]][])('is answered as segment-anything answers it: a slice that is %s', (_, shape) => {
    const [rows, columns] = shape;
    const volume = volumeOf(rows, columns);
    const slice = volume.data.slice(rows * columns, 2 * rows * columns);
    const [x, y] = [Math.round(columns * 0.3), Math.round(rows * 0.6)];
    for (const asked of [
      { points: [{ at: [x, y, 1] }] },
      { points: [{ at: [x, y, 1] }, { at: [columns - 1, 0, 1], inside: false }] },
      { box: { from: [x - 4, y - 5, 1], to: [x + 4, y + 5, 1] } },
    ]) {
      const prompt = promptSchema.parse(asked);
      const expected = published(slice, shape, prompt);
      const found = runWithoutPauses(segmentWithPrompt(model, volume, prompt));
      expect(Math.abs(found.iou! - expected.iou)).toBeLessThan(1e-5);
      const labels = found.labels.subarray(rows * columns, 2 * rows * columns);
      const largest = Math.max(...expected.logits.map(Math.abs));
      const wrong = labels.filter((label, i) => {
        const logit = expected.logits[i];
        return Math.abs(logit) > 1e-3 * largest && label !== Number(logit > 0);
      });
      expect(wrong).toHaveLength(0);
    }
  });

  it('points at the pixels that show its voxel, also in the corners', () => {
    const [rows, columns] = [20, 33];
    for (const [x, y] of [
      [0, 0],
      [columns - 1, 0],
      [0, rows - 1],
      [columns - 1, rows - 1],
      [11, 7],
    ]) {
      const data = new Float32Array(3 * rows * columns);
      data[(rows + y) * columns + x] = 1;
      const image: Pick<Volume, 'path' | 'data' | 'shape' | 'spacing'> = {
        ...{ path: 'x', data, shape: [3, rows, columns], spacing: [3, 2, 1] },
      };
      const preprocessing = { ...model.preprocessing, intensity: { kind: 'min-max' } } as const;
      const { geometry, prepare } = runWithoutPauses(preparationOf(image, preprocessing, { cornered: true }));
      const slice = new Float32Array(side * side);
      prepare(1, slice);
      const { slice: where, pixel } = placeInSlices(geometry, [x, y, 1]);
      expect(where).toBe(1);
      // The network adds half a pixel to a place.
      const [row, column] = [Math.floor(pixel[1] + 0.5), Math.floor(pixel[0] + 0.5)];
      const voxel = [column, row].map((at, i) => Math.floor((at + 0.5) * geometry.step[1 - i]));
      expect(voxel).toEqual([x, y]);
      // The lowest share that a pixel has of the voxel that its centre lies in.
      expect(slice[row * side + column]).toBeGreaterThan(0.25);
    }
  });

  it('is answered the same by the model that was saved of it', () => {
    saveSegmenter(at('saved.safetensors'), model);
    const volume = volumeOf(20, 33);
    const prompt = promptSchema.parse({ box: { from: [5, 6, 1], to: [20, 15, 1] } });
    const [first, second] = [model, loadSegmenter(at('saved.safetensors'))].map((one) =>
      runWithoutPauses(segmentWithPrompt(one, volume, prompt)),
    );
    expect(second).toEqual(first);
  });
});
