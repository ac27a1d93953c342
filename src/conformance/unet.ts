/** Golden kinds of the U-Net: forward passes and one adaptation step. */
import { consistency } from '../adapt/index.js';
import { EarlyHead, UNet2D, unetAdapterSchema, unetPlans } from '../networks/unet2d/index.js';
import { Adam } from '../nn/index.js';
import { applyPlan, setBatchStatistics } from '../peft/index.js';
import { type GoldenCase, type Kind, load, stateOf, tensorOf } from './case.js';

interface NetworkConfig {
  in_channels: number;
  out_channels: number;
  initial_filters: number;
}
interface StepConfig extends NetworkConfig {
  adapted_blocks: string[];
  rank: number;
  alpha: number;
  head_level: number;
  detach_pseudo_labels: boolean;
  lr: number;
  bn_momentum: number;
}

const configOf = <T>({ description }: GoldenCase) => description.config as T;
const networkOf = ({ in_channels, out_channels, initial_filters }: NetworkConfig) =>
  new UNet2D({ inChannels: in_channels, outChannels: out_channels, filters: initial_filters });

export const unet2d: Kind = (golden, comparison) => {
  const network = networkOf(configOf<NetworkConfig>(golden));
  load(network, golden, 'weights');
  const image = tensorOf(golden, 'input.image');
  const features = network.encode(image);
  comparison.tensor('logits', network.logits(features), tensorOf(golden, 'output.logits'));
  for (const level of [0, 1, 2, 3]) {
    const name = `output.early_logits_level${level}`;
    if (!golden.raw.has(name)) continue;
    const head = new EarlyHead(level, network.config);
    load(head, golden, `head${level}`);
    comparison.tensor(name, head.forward(features[level]), tensorOf(golden, name));
  }
};

export const convLoraStep: Kind = (golden, comparison) => {
  const config = configOf<StepConfig>(golden);
  const network = networkOf(config);
  const { adapted_blocks: blocks, rank, alpha } = config;
  const { trained } = applyPlan(network, unetPlans.convlora, unetAdapterSchema.parse({ blocks, rank, alpha }));
  load(network, golden, 'weights');
  const head = new EarlyHead(config.head_level, network.config);
  load(head, golden, 'head');

  setBatchStatistics(network, true, config.bn_momentum);
  const optimiser = new Adam(trained, { lr: config.lr });
  const image = tensorOf(golden, 'input.image');
  const { loss, logits, earlyLogits } = consistency(network, head, image, { detach: config.detach_pseudo_labels });
  comparison.tensor('logits', logits, tensorOf(golden, 'output.logits'));
  comparison.tensor('early_logits', earlyLogits, tensorOf(golden, 'output.early_logits'));
  comparison.tensor('loss', loss.reshape(1), tensorOf(golden, 'output.loss'));
  comparison.state('after_forward', network.buffers(), stateOf(golden, 'after_forward'));
  loss.backward();
  const gradients = new Map([...trained].flatMap(([name, { grad }]) => (grad ? [[name, grad]] : [])));
  comparison.state('grad', gradients, stateOf(golden, 'grad'));
  optimiser.step();
  comparison.state('after_step', network.state(), stateOf(golden, 'after_step'));
};
