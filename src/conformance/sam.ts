/** Golden kinds of Segment Anything: one training step, and a checkpoint of another image size. */
import { join } from 'node:path';
import { fineTuningLoss } from '../finetune/index.js';
import { loadSamCheckpoint, Sam, samSchema } from '../networks/sam/index.js';
import { pick } from '../nn/index.js';
import { attachLora } from '../peft/index.js';
import { type GoldenCase, type Kind, load, stateOf, tensorOf } from './case.js';

interface Config {
  image_size: number;
  embed_dim: number;
  depth: number;
  heads: number;
  global_attention: number[];
  window: number;
  prompt_dim: number;
  decoder_mlp: number;
  num_classes: number;
  rank: number;
  num_lora: number;
  dora: boolean;
}

const configOf = ({ description }: GoldenCase) => description.config as Config;
const modelOf = (config: Omit<Config, 'rank' | 'num_lora' | 'dora'>) =>
  new Sam(
    samSchema.parse({
      imageSize: config.image_size,
      embedDim: config.embed_dim,
      depth: config.depth,
      heads: config.heads,
      globalAttention: config.global_attention,
      window: config.window,
      promptDim: config.prompt_dim,
      decoderMlp: config.decoder_mlp,
      classes: config.num_classes,
    }),
  );

export const samStep: Kind = (golden, comparison) => {
  const { num_lora: count, dora, rank, ...config } = configOf(golden);
  const sam = modelOf(config);
  if (count > 0) attachLora(sam, { rank, count, kind: dora ? 'dora' : 'lora' });
  // Parts of the prompt encoder that the step does not use are not in the case.
  load(sam, golden, 'weights', { partial: true });
  // What the case names a gradient of: its strategies with LoRA present, or with frozen magnitudes, are no plan here.
  const wanted = stateOf(golden, 'grad');
  const trained = pick(sam.parameters(), (name) => wanted.has(name));
  for (const value of trained.values()) value.requiresGrad = true;

  const volume = tensorOf(golden, 'input.volume'); // [B, D, 3, H, W]
  const { logits, iou, embeddings } = sam.forward(volume.reshape(-1, ...volume.shape.slice(2)));
  comparison.tensor('image_embeddings', embeddings, tensorOf(golden, 'output.image_embeddings'));
  comparison.tensor('logits', logits, tensorOf(golden, 'output.logits'));
  comparison.tensor('iou', iou, tensorOf(golden, 'output.iou'));
  const { loss, crossEntropy, dice } = fineTuningLoss(logits, tensorOf(golden, 'input.label'));
  comparison.tensor('loss_ce', crossEntropy.reshape(1), tensorOf(golden, 'output.loss_ce'));
  comparison.tensor('loss_dice', dice.reshape(1), tensorOf(golden, 'output.loss_dice'));
  comparison.tensor('loss', loss.reshape(1), tensorOf(golden, 'output.loss'));
  loss.backward();
  const gradients = new Map([...trained].flatMap(([name, { grad }]) => (grad ? [[name, grad]] : [])));
  comparison.state('grad', gradients, wanted);
};

export const samCheckpoint: Kind = (golden, comparison) => {
  const sam = modelOf(configOf(golden));
  loadSamCheckpoint(sam, join(golden.folder, golden.description.checkpoint as string));
  comparison.state('expected', sam.state(), stateOf(golden, 'expected'));
};
