/** A step on labelled slices, which are changed at random where training asks for that, and its learning rate. */
import type { Random } from '../core/index.js';
import { type Augmentation, augment, countedMap, foregroundMaps } from '../data/index.js';
import type { SegmentationNetwork } from '../networks/index.js';
import { labelledLoss } from '../segmenter/index.js';
import { cat, type Tensor } from '../torch/index.js';

/**
 * Images and labels are changed together; what counts for nothing is carried along.
 *
 * @param batch images float32 [B, channels, h, w], labels uint8 [B, h, w] @param options.augmentation null: slices as they are
 * @returns `labelledLoss`, a scalar
 */
export function lossOfChanged(
  network: SegmentationNetwork,
  { images, labels }: { images: Tensor; labels?: Tensor },
  { augmentation, diceWeight }: { augmentation: Augmentation | null; diceWeight: number },
  random: Random,
): Tensor {
  let counted = countedMap(labels!);
  let maps = foregroundMaps(labels!, network.classes + 1);
  if (augmentation) {
    const moving = counted ? cat([maps, counted.neg().add(1)], 1) : maps;
    const moved = augment(images, moving, augmentation, random);
    ({ images } = moved);
    maps = moved.maps.narrow(1, 0, network.classes);
    if (counted) counted = moved.maps.narrow(1, network.classes, 1).neg().add(1);
  }
  return labelledLoss(network, network.logits(network.encode(images)), maps, diceWeight, counted);
}

/** A learning rate that falls from the highest to zero along a cosine. @param done steps of `all` */
export const falling = (highest: number, done: number, all: number): number =>
  (highest * (1 + Math.cos((Math.PI * done) / all))) / 2;
