/** nnU-Net's `ignore`: voxels that count for nothing, neither as background nor as a class, wherever labels are used. */

import { describe, expect, it } from 'vitest';

import { type Pausing, random } from '../../src/core/index.js';
import {
  type Case,
  checkDataset,
  countedMap,
  ignored,
  labelFacts,
  loadCase,
  loadSlices,
  preprocessingSchema,
  readCaseLabel,
  readDataset,
  readVolume,
} from '../../src/data/index.js';
import { fineTuningLoss } from '../../src/finetune/index.js';
import { scoreCase, scoreFolder } from '../../src/jobs/score.js';
import { segmentationLoss } from '../../src/segmenter/index.js';
import { scope, tensor } from '../../src/torch/index.js';
import { errorOf } from '../graft-error.js';
import { last } from '../last.js';
import { temporaryTree } from '../layouts/tree.js';

const tree = temporaryTree();
const site = () => {
  const labels = { background: 0, organ: 1, ignore: 2 };
  tree.put('set/dataset.json', JSON.stringify({ labels, numTraining: 1, file_ending: '.nii.gz' }));
  tree.image('set/imagesTr/c1_0000.nii.gz');
  tree.label('set/labelsTr/c1.nii.gz', [1, 1, 2, 2]);
  return readDataset(tree.at('set'));
};

describe('the label that a data set calls ignore', () => {
  it('is no class, neither of the data set nor among what inspection advises', () => {
    const { classes, sites } = site();
    expect(classes).toEqual(['organ']);
    const [one] = sites[0].cases;
    expect(labelFacts(readCaseLabel(one, one.label!), readVolume(one.image)).millilitres).toEqual({ 1: 0.002 });
    expect([...readCaseLabel(one, one.label!).data.subarray(0, 5)]).toEqual([1, 1, ignored, ignored, 0]);
    const check = checkDataset('auto', tree.at('set'));
    let step = check.next();
    while (!step.done) step = check.next();
    expect(step.value.findings).toEqual([]);
  });

  it('may be 255, but 255 beside it is a fault', () => {
    const [one] = site().sites[0].cases;
    tree.label('set/labelsTr/c1.nii.gz', [1, 255]);
    expect(errorOf(() => loadCase(one, { classes: 2 })).code).toBe('LABEL_OUTSIDE_CLASSES');
    const as255: Case = { ...one, ignore: 255 };
    expect([...loadCase(as255, { classes: 2 }).label!.data.subarray(0, 2)]).toEqual([1, ignored]);
  });

  it('reaches training as pixels that do not count', () => {
    const [one] = site().sites[0].cases;
    const [{ labels }] = loadSlices([one], preprocessingSchema.parse({}), { classes: 2 });
    expect(labels!.filter((value) => value === ignored)).toHaveLength(2);
  });

  it('gives no score: what a mask has there is neither right nor wrong', async () => {
    const [one] = site().sites[0].cases;
    function* segment(inside: number): Pausing<Uint8Array> {
      return Uint8Array.from({ length: 24 }, (_, i) => (i < 2 ? 1 : i < 4 ? inside : 0));
    }
    for (const inside of [0, 1]) {
      const { classes } = await last(scoreCase(one, () => segment(inside), ['organ'], 1));
      expect(classes.organ).toMatchObject({ dice: 1, surfaceDice: 1, volumeDifferenceMl: 0 });
    }
    tree.label('masks/c1.nii.gz', [1, 1, 1, 0]);
    const evaluate = async (ignore?: number) => {
      const work = scoreFolder(tree.at('masks'), tree.at('set/labelsTr'), ['organ'], 1, { ignore });
      for (;;) {
        const { done, value } = await work.next();
        if (done) return value;
      }
    };
    expect((await evaluate(2)).scores[0].classes.organ.dice).toBe(1);
    await expect(evaluate()).rejects.toMatchObject({ code: 'LABEL_OUTSIDE_CLASSES' });
  });
});

describe('the losses', () => {
  const stream = random(1, 'ignore');
  const logits = Float32Array.from({ length: 2 * 2 * 16 }, () => stream.normal(0, 2));
  const labels = Array.from({ length: 2 * 16 }, (_, i) => (i % 4 === 3 ? ignored : i % 2));
  const isIgnored = (at: number) => labels[Math.floor(at / 32) * 16 + (at % 16)] === ignored;

  /** The loss, and where the logits have a gradient. */
  const lossOf = (family: 'unet' | 'sam', values: Float32Array, truth: number[]) =>
    scope(() => {
      const x = tensor(values, [2, 2, 4, 4]);
      x.requiresGrad = true;
      const y = tensor(truth, [2, 4, 4], { dtype: 'int64' });
      const maps = () => y.eq(1).unsqueeze(1).expand(2, 2, 4, 4).to('float32');
      const loss =
        family === 'unet'
          ? segmentationLoss(x, maps(), 0.5, countedMap(y))
          : fineTuningLoss(x, y, { ignore: ignored }).loss;
      loss.backward();
      return { loss: loss.item(), moved: [...x.grad!.toArray()].map((value) => value !== 0) };
    });

  it.each(['unet', 'sam'] as const)('of the family %s do not see ignored pixels', (family) => {
    const first = lossOf(family, logits, labels);
    expect(first.moved).toEqual(first.moved.map((_, at) => !isIgnored(at)));
    const other = logits.map((value, at) => (isIgnored(at) ? -3 * value : value));
    expect(lossOf(family, other, labels).loss).toBeCloseTo(first.loss, 6);
  });

  it('are the ordinary ones where every pixel counts', () => {
    const all = labels.map((value) => (value === ignored ? 0 : value));
    scope(() => {
      const [x, y] = [tensor(logits, [2, 2, 4, 4]), tensor(all, [2, 4, 4], { dtype: 'int64' })];
      expect(countedMap(y)).toBeUndefined();
      const maps = y.eq(1).unsqueeze(1).expand(2, 2, 4, 4).to('float32');
      const ones = tensor(new Float32Array(32).fill(1), [2, 1, 4, 4]);
      const counted = segmentationLoss(x, maps, 0.5, ones).item();
      expect(counted).toBeCloseTo(segmentationLoss(x, maps, 0.5).item(), 6);
    });
  });

  it.each(['unet', 'sam'] as const)('of the family %s stay finite where nothing counts', (family) => {
    const { loss, moved } = lossOf(family, logits, labels.fill(ignored));
    expect(Number.isFinite(loss)).toBe(true);
    expect(moved.some(Boolean)).toBe(false);
  });
});
