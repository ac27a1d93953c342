/**
 * The residual 2D U-Net of Shirokikh et al. 2020 (arXiv 2008.07357), as the ConvLoRA reference code uses it; parameter
 * names are that code's, so its checkpoints load. Dropout, which the reference never switches on, is left out (its
 * places in the sequences are kept).
 */
import { BatchNorm2d, Conv2d, ConvTranspose2d, Identity, Layer, Module, ReLU, Sequential } from '../../nn/index.js';
import { noGrad, relu_, type Tensor } from '../../torch/index.js';
import type { SegmentationNetwork } from '../family.js';
import { mirrored } from '../mirrored.js';
import { type EncoderBlock, encoderBlocks, type UNet2DConfig } from './config.js';

/** Normalisation, ReLU, convolution: float32 [B, channels, H, W] -> [B, out, H, W]. */
class PreActivation extends Layer {
  readonly bn: BatchNorm2d;
  readonly layer: Conv2d;
  constructor(channels: number, out: number, kernel: number, bias: boolean) {
    super();
    this.bn = this.child('bn', new BatchNorm2d(channels));
    const padding = (kernel - 1) / 2;
    this.layer = this.child('layer', new Conv2d({ in: channels, out, kernel, padding, bias }));
  }
  override forward(x: Tensor): Tensor {
    return this.layer.forward(relu_(this.bn.forward(x)));
  }
}

/** Two pre-activated convolutions beside an identity: float32 [B, channels, H, W] -> the same shape. */
class ResBlock extends Layer {
  readonly path: Sequential;
  constructor(channels: number, kernel: number) {
    super();
    const half = () => new PreActivation(channels, channels, kernel, false);
    this.path = this.child('conv_path', new Sequential(half(), half()));
  }
  override forward(x: Tensor): Tensor {
    return this.path.forward(x).add_(x);
  }
}

const residual = (channels: number) => [1, 2, 3].map(() => new ResBlock(channels, 3));

/** Halves the resolution and doubles the channels: float32 [B, C, H, W] -> [B, 2 C, H/2, W/2]. */
const down = (channels: number) =>
  new Sequential(
    new BatchNorm2d(channels),
    new Conv2d({ in: channels, out: 2 * channels, kernel: 2, stride: 2, bias: false }),
    new ReLU(),
    new Identity(),
    ...residual(2 * channels),
  );

/** Doubles the resolution and halves the channels: float32 [B, C, H, W] -> [B, C/2, 2 H, 2 W]. */
const up = (channels: number) =>
  new Sequential(
    ...residual(channels),
    new BatchNorm2d(channels),
    new ConvTranspose2d({ in: channels, out: channels / 2, kernel: 2, stride: 2, bias: false }),
    new ReLU(),
  );

export class UNet2D extends Module implements SegmentationNetwork<Tensor[]> {
  readonly config: UNet2DConfig;
  readonly background = 'half';
  readonly memoryFormat = 'channels_last';
  /** Of the mean of the mirror images' logits; absent where the network is asked once. */
  readonly predict?: (images: Tensor) => Tensor;
  readonly #encoder: Record<EncoderBlock, Sequential>;
  readonly #shortcuts: Conv2d[];
  readonly #up: Sequential[];
  readonly #out: Sequential;
  readonly #lastNorm: BatchNorm2d;

  constructor(config: UNet2DConfig) {
    super();
    this.config = config;
    const { mirror } = config;
    if (mirror) this.predict = (images) => mirrored(images, mirror, (one) => this.forward(one)).sigmoid();
    const { inChannels, outChannels, filters: n } = config;
    const shortcut = (level: number) => {
      const channels = n * 2 ** level;
      return this.child(`shortcut${level}`, new Conv2d({ in: channels, out: channels, kernel: 1 }));
    };
    const stem = new Conv2d({ in: inChannels, out: n, kernel: 3, padding: 1, bias: false });
    const initPath = this.child('init_path', new Sequential(stem, new ReLU(), ...residual(n)));
    this.#shortcuts = [shortcut(0)];
    const down1 = this.child('down1', down(n));
    this.#shortcuts.push(shortcut(1));
    const down2 = this.child('down2', down(2 * n));
    this.#shortcuts.push(shortcut(2));
    const down3 = this.child('down3', down(4 * n));
    this.#encoder = { init_path: initPath, down1, down2, down3 };
    this.#up = [3, 2, 1].map((level) => this.child(`up${level}`, up(n * 2 ** level)));
    const head = new PreActivation(n, outChannels, 1, true);
    this.#lastNorm = new BatchNorm2d(outChannels);
    this.#out = this.child('out_path', new Sequential(new ResBlock(n, 1), head, this.#lastNorm));
  }

  get input() {
    return { channels: this.config.inChannels, multiple: 2 ** (encoderBlocks.length - 1) };
  }
  get classes(): number {
    return this.config.outChannels;
  }

  /**
   * The last layer normalises the logits to unit variance: started at weight 1 it would take training hundreds of steps
   * to grow probabilities that are near 0 and 1. It starts where a sharp output with little foreground lies.
   */
  override reset(): void {
    noGrad(() => {
      this.#lastNorm.weight.fill_(4);
      this.#lastNorm.bias.fill_(-4);
    });
  }

  /**
   * @param image float32 [B, inChannels, H, W], prepared intensities; H and W multiples of 8
   * @param levels how many blocks to run, counted from the image (default: all four)
   * @returns feature maps [B, filters·2^L, H/2^L, W/2^L] for L = 0 … levels - 1
   */
  encode(image: Tensor, levels: number = encoderBlocks.length): Tensor[] {
    const features: Tensor[] = [];
    for (const block of encoderBlocks.slice(0, levels))
      features.push(this.#encoder[block].forward(features.at(-1) ?? image));
    return features;
  }

  /** @param features all four of `encode` @returns logits [B, outChannels, H, W] */
  logits(features: readonly Tensor[]): Tensor {
    let x = features[3]; // [B, 8n, H/8, W/8]
    for (const level of [2, 1, 0])
      x = this.#shortcuts[level].forward(features[level]).add_(this.#up[2 - level].forward(x)); // [B, n·2^level, …]
    return this.#out.forward(x); // [B, outChannels, H, W]
  }

  /** @param image float32 [B, inChannels, H, W] @returns logits [B, outChannels, H, W] */
  forward(image: Tensor): Tensor {
    return this.logits(this.encode(image));
  }
}
