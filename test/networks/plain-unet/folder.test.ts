/** Folders of nnU-Net: which network of them is used, and why others are refused. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSegmenter } from '../../../src/segmenter/index.js';
import { errorOf } from '../../graft-error.js';
import { newFolder } from '../../new-folder.js';
import { changed, checkpoint, folder, type Json } from './reference.js';

describe('the network that is used', () => {
  const several = changed('plans.json', () => {});
  for (const fold of ['fold_2', 'fold_10']) cpSync(join(several, 'fold_0'), join(several, fold), { recursive: true });

  it('is that of the first finished fold, which is said', () => {
    expect(loadSegmenter(folder).remark).toBeUndefined();
    rmSync(join(several, 'fold_0'), { recursive: true });
    expect(loadSegmenter(several).remark).toContain('of fold_2, fold_10');
    expect(loadSegmenter(several).remark).toContain('fold_2/checkpoint_final.pth alone is used');
  });

  it('is the checkpoint that is named, where one is', () => {
    const named = loadSegmenter(join(several, 'fold_10/checkpoint_final.pth'));
    expect(named.remark).toBeUndefined();
    expect(named.fingerprint).toBe(loadSegmenter(folder).fingerprint);
    expect(named.preprocessing).toEqual(loadSegmenter(folder).preprocessing);
  });
});

describe('preparation follows the plans', () => {
  const preparationOf = (change: Parameters<typeof changed>[1]) =>
    loadSegmenter(changed('plans.json', change)).preprocessing;

  it('as they stand', () => {
    expect(loadSegmenter(folder).preprocessing).toMatchObject({
      ...{ axis: 'axial', orientation: 'stored', crop: 'nonzero', resampling: 'spline', spacing: [1, 1] },
      intensity: { kind: 'z-score', within: 'nonzero' },
    });
  });

  it('of CT with the intensities of the data set, along another axis, by a reader that turns to RAS', () => {
    const preprocessing = preparationOf((plans) => {
      plans.transpose_forward = [1, 0, 2];
      plans.image_reader_writer = 'NibabelIOWithReorient';
      plans.configurations['2d'].normalization_schemes = ['CTNormalization'];
    });
    expect(preprocessing).toMatchObject({
      axis: 'coronal',
      intensity: { kind: 'fixed-z-score', low: 97, high: 194, mean: 144.28639221191406, deviation: 21.080814361572266 },
    });
    expect(preprocessing.orientation).toBeUndefined();
  });

  it('of before nnU-Net 2.3, which name the sizes of the network in the configuration', () => {
    const old = changed('plans.json', ({ configurations: { '2d': own } }) => {
      const { architecture } = own;
      delete own.architecture;
      Object.assign(own, {
        ...{ UNet_class_name: 'PlainConvUNet', UNet_base_num_features: 4, unet_max_num_features: 8 },
        ...{ n_conv_per_stage_encoder: [2, 2, 2, 2], n_conv_per_stage_decoder: [2, 2, 2] },
        ...{ conv_kernel_sizes: architecture.arch_kwargs.kernel_sizes },
        pool_op_kernel_sizes: architecture.arch_kwargs.strides,
      });
    });
    // The plans now say other features than the checkpoint has.
    expect(errorOf(() => loadSegmenter(old)).code).toBe('STATE_SHAPE');
  });
});

describe('refused with the reason and a way out', () => {
  const arch = (plans: Json) => plans.configurations['2d'].architecture;
  const kwargs = (plans: Json) => arch(plans).arch_kwargs;
  it.each<[string, Parameters<typeof changed>[1], string[]]>([
    [
      'a 3D configuration',
      (plans) => {
        plans.configurations['2d'] = plans.configurations['3d_fullres'];
      },
      ['patches of 7 x 40 x 28 voxels', 'nnUNetv2_train DATASET 2d FOLD'],
    ],
    [
      'a residual encoder',
      (plans) => {
        arch(plans).network_class_name = 'dynamic_network_architectures.architectures.unet.ResidualEncoderUNet';
      },
      ['is ResidualEncoderUNet; expected a PlainConvUNet', 'ExperimentPlanner'],
    ],
    [
      'another normalisation',
      (plans) => {
        kwargs(plans).norm_op = 'torch.nn.modules.batchnorm.BatchNorm2d';
      },
      ['the normalisation is BatchNorm2d', 'train 2d'],
    ],
    [
      'another nonlinearity',
      (plans) => {
        kwargs(plans).nonlin = 'torch.nn.ReLU';
      },
      ['the nonlinearity is ReLU', 'train 2d'],
    ],
    [
      'another scaling of intensities',
      (plans) => {
        plans.configurations['2d'].normalization_schemes = ['RGBTo01Normalization'];
      },
      ['RGBTo01Normalization', 'CTNormalization'],
    ],
  ])('%s', (_, change, texts) => {
    const error = errorOf(() => loadSegmenter(changed('plans.json', change)));
    expect(error.code).toBe('NNUNET_UNSUPPORTED');
    for (const text of texts) expect(`${error.message} ${error.hint}`).toContain(text);
  });

  it.each<[string, Parameters<typeof changed>[1], string, string]>([
    [
      'several channels',
      (dataset) => {
        dataset.channel_names = { 0: 'T1', 1: 'T2' };
      },
      'NNUNET_UNSUPPORTED',
      '2 (T1, T2)',
    ],
    [
      'regions',
      (dataset) => {
        dataset.labels = { background: 0, whole: [1, 2], core: 2 };
      },
      'NNUNET_UNSUPPORTED',
      'the label whole is a region of the labels 1,2',
    ],
    [
      'no labels',
      (dataset) => {
        delete dataset.labels;
      },
      'NNUNET_FILE',
      'labels',
    ],
  ])('%s', (_, change, code, text) => {
    const error = errorOf(() => loadSegmenter(changed('dataset.json', change)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it('a folder without a checkpoint, a checkpoint without its folder, a folder of something else', () => {
    const empty = changed('plans.json', () => {});
    rmSync(join(empty, 'fold_0'), { recursive: true });
    expect(errorOf(() => loadSegmenter(empty)).code).toBe('NNUNET_WITHOUT_CHECKPOINT');
    const alone = newFolder();
    mkdirSync(join(alone, 'fold_0'));
    cpSync(checkpoint, join(alone, 'fold_0/checkpoint_final.pth'));
    expect(errorOf(() => loadSegmenter(join(alone, 'fold_0/checkpoint_final.pth'))).code).toBe('NNUNET_ALONE');
    expect(errorOf(() => loadSegmenter(alone)).code).toBe('MODEL_UNKNOWN');
  });
});
