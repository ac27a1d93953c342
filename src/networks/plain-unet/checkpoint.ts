/**
 * Checkpoints of nnU-Net v2. Their dictionaries hold tensors under several names: the encoder's also in the decoder, which
 * refers to it, and each layer's also in the sequence that runs it (`all_modules`).
 */
import { type PthValue, readPth, stateDictOf } from '../../formats/index.js';
import { disposeState, partOf, pick, type State, unwrap } from '../../nn/index.js';
import { fromBytes } from '../../torch/index.js';
import type { EarlyHead, ForeignModel, SegmentationNetwork } from '../family.js';
import type { PlainUNetConfig } from './config.js';
import { plainUNetError } from './errors.js';
import { trainedFolder } from './folder.js';
import { readPlans } from './plans-file.js';

/** The first weight of the encoder. */
export const landmark = 'encoder.stages.0.0.convs.0.conv.weight';

/**
 * The network that nnU-Net trained.
 *
 * @param path its folder or one of the checkpoints in it
 * @returns undefined where the folder is not one of nnU-Net's
 * @throws GraftError NNUNET_…, and what `readPth` throws
 */
export function trainedModel(path: string): ForeignModel<PlainUNetConfig> | undefined {
  const folder = trainedFolder(path);
  if (!folder) return undefined;
  const { checkpoint: file, remark } = folder;
  const content = readPth(file);
  const refuse = (reason: string) => plainUNetError('NNUNET_FILE', { file, reason });
  const configuration = valueAt(valueAt(content, 'init_args'), 'configuration');
  if (typeof configuration !== 'string') throw refuse('it does not say which configuration was trained');
  const weights = valueAt(content, 'network_weights');
  if (weights === undefined) throw refuse('it has no network_weights');
  const axes = valueAt(content, 'inference_allowed_mirroring_axes');
  const mirror = Array.isArray(axes) ? axes.map(Number) : [];
  const { config, classes, preprocessing } = readPlans(folder, configuration, mirror);
  return {
    ...{ config, classes, preparation: { preprocessing, windows: { slices: 1, scaling: 'volume' } } },
    ...(config.stages.length >= LEAST_STAGES && { heads: [0] }),
    ...(remark && { remark }),
    load(network, heads) {
      const state: State = new Map(
        [...stateDictOf(weights, file)].map(([name, { dtype, shape, data }]) => [name, fromBytes(data, dtype, shape)]),
      );
      load({ network, heads, stages: config.stages.length }, state, file);
      disposeState(state);
    },
  };
}

const valueAt = (of: PthValue | undefined, key: string): PthValue | undefined =>
  of instanceof Map ? of.get(key) : undefined;

/** Stages from which on nnU-Net trains the map at half resolution: it leaves out the lowest one. */
const LEAST_STAGES = 4;

interface Target {
  network: SegmentationNetwork;
  heads: readonly EarlyHead[];
  /** Resolutions of the network. */
  stages: number;
}

function load({ network, heads, stages }: Target, given: State, file: string): void {
  const state = unwrap(given, landmark, file);
  if (!state) throw plainUNetError('NNUNET_FILE', { file, reason: `its network_weights have no ${landmark}` });
  if ([...state.keys()].some((name) => name.endsWith('.running_mean')))
    throw plainUNetError('NNUNET_UNSUPPORTED', {
      ...{ file, what: 'the normalisation', found: 'BatchNorm2d', expected: 'InstanceNorm2d' },
      way: 'Train 2d with nnU-Net’s own trainer (nnUNetTrainer), which normalises by instances.',
    });
  const own = network.state();
  // Of the maps at lower resolutions, which serve deep supervision, the finest is an early head.
  for (const head of heads) {
    const values = partOf(state, `decoder.seg_layers.${stages - 3}.`);
    head.loadState(new Map([...values].map(([name, value]) => [`segmentation.${name}`, value])), { file });
  }
  const alias = /(^|\.)all_modules\.|^decoder\.encoder\./;
  const wanted = (name: string) => !alias.test(name) && (own.has(name) || !name.startsWith('decoder.seg_layers.'));
  network.loadState(pick(state, wanted), { file });
}
