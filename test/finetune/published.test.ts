/** Checkpoints as segment-anything and MedSAM publish them: prompts are answered, with the scaling that is said. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { preprocessingSchema, readLabel, readVolume, windowSchema, writeVolume } from '../../src/data/index.js';

import { publishedConfig, Sam, samConfig, takeUnitImages } from '../../src/networks/sam/index.js';
import { initialiseModule, writeState } from '../../src/nn/index.js';
import { loadSegmenter, promptSchema, saveSegmenter, segmentWithPrompt } from '../../src/segmenter/index.js';
import { noGrad, setThreads, tensor } from '../../src/torch/index.js';
import { graft } from '../cli/graft.js';
import { temporaryFolder } from '../dicom/fixtures.js';
import { errorOf } from '../graft-error.js';
import { samSegmenter } from '../segmenters.js';

setThreads(1);
const root = temporaryFolder();
mkdirSync(root, { recursive: true });
const at = (name: string) => join(root, name);
const config = samConfig('sam-tiny', { imageSize: 128 });
const sam = new Sam(config);
initialiseModule(sam, 3, 'sam');
writeState(at('sam.safetensors'), sam.state());
const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];
const data = Float32Array.from({ length: 3 * 20 * 24 }, (_, i) => 40 * Math.sin(i / 7) + ((i * 37) % 11) + 200);
writeVolume(at('scan.nii.gz'), { data, shape: [3, 20, 24], affine });
const prompt = promptSchema.parse({ points: [{ at: [12, 9, 1] }] });

describe('a published checkpoint', () => {
  it('tells its architecture by its shapes', () => {
    expect(publishedConfig(sam.state(), 'x')).toEqual(config);
    const classes = new Sam(samConfig('sam-tiny', { imageSize: 64, classes: 2 }));
    expect(errorOf(() => publishedConfig(classes.state(), 'x'))).toMatchObject({
      code: 'SAM_PUBLISHED',
      message: expect.stringContaining('mask_tokens.weight, found 3 masks'),
    });
  });

  it('of segment-anything sees images in [0, 1] as it saw bytes less their mean over their deviation', () => {
    const unit = Float32Array.from({ length: 3 * 128 * 128 }, (_, i) => ((i * 31) % 256) / 255);
    const [mean, deviation] = [
      [123.675, 116.28, 103.53],
      [58.395, 57.12, 57.375],
    ];
    const normalised = unit.map((value, i) => {
      const c = Math.floor(i / 128 ** 2);
      return (255 * value - mean[c]) / deviation[c];
    });
    const embed = (of: Sam, values: Float32Array) =>
      noGrad(() => of.encode(tensor(values, [1, 3, 128, 128])).toArray<'float32'>());
    const expected = embed(sam, normalised);
    const folded = new Sam(config);
    folded.loadState(sam.state());
    takeUnitImages(folded);
    const found = embed(folded, unit);
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(1e-3);
  });

  it('of MedSAM gives what its weights give on slices stretched to [0, 1]', () => {
    const preprocessing = preprocessingSchema.parse({
      ...{ size: [128, 128], stretch: true, multiple: 16, intensity: { kind: 'percentile', low: 0.5, high: 99.5 } },
    });
    const windows = windowSchema.parse({ slices: 1, scaling: 'window' });
    const model = samSegmenter(config, { classes: [], preprocessing, windows });
    model.network.loadState(sam.state());
    const volume = readVolume(at('scan.nii.gz'));
    const expected = runWithoutPauses(segmentWithPrompt(model, volume, prompt));
    const loaded = loadSegmenter(at('sam.safetensors'), { scaling: 'medsam' });
    const found = runWithoutPauses(segmentWithPrompt(loaded, volume, prompt));
    expect(Buffer.compare(found.labels, expected.labels)).toBe(0);
    expect(found.iou).toBe(expected.iou);
    const other = runWithoutPauses(
      segmentWithPrompt(loadSegmenter(at('sam.safetensors'), { scaling: 'sam' }), volume, prompt),
    );
    expect(other.iou).not.toBe(expected.iou);
  });
});

describe('graft predict', () => {
  const predict = (...args: string[]) => {
    const { status, stdout } = graft(['predict', ...args, '--device', 'cpu', '--json', '--quiet']);
    return { status, ...JSON.parse(stdout) };
  };

  it('answers a prompt with it, once it is told the scaling', () => {
    const asked = [at('sam.safetensors'), at('scan.nii.gz'), '--prompt', 'point 12,9,1', '--out', at('masks')];
    expect(predict(...asked)).toMatchObject({ status: 2, error: { code: 'SAM_SCALING' } });
    const { status, masks } = predict(...asked, '--scaling', 'medsam');
    expect(status).toBe(0);
    const loaded = loadSegmenter(at('sam.safetensors'), { scaling: 'medsam' });
    const { labels } = runWithoutPauses(segmentWithPrompt(loaded, readVolume(at('scan.nii.gz')), prompt));
    expect(Buffer.compare(readLabel(masks[0].mask).data, labels)).toBe(0);
    const noPrompt = predict(at('sam.safetensors'), at('scan.nii.gz'), '--scaling', 'sam', '--out', at('none'));
    expect(noPrompt.error).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('--prompt') });
  });

  it('takes no scaling for a model that says itself how its images are prepared', () => {
    saveSegmenter(at('own.safetensors'), samSegmenter(config, { classes: [] }));
    const args = [at('own.safetensors'), at('scan.nii.gz'), '--scaling', 'sam', '--out', at('none')];
    expect(predict(...args)).toMatchObject({ status: 2, error: { code: 'MODEL_SCALED' } });
  });
});
