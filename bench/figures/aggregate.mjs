/**
 * Closing a round of ViT-B `flap-sam` updates by `product-svd` beside the dense way, which forms, averages and decomposes
 * the products of all layers in float32, as published, or in float64, as graft computes: time, and how much the process grows
 * by, in updates.
 */
import { compare, inFolder, median, own, peer, stepRow } from '../harness.mjs';
import { writeRound } from '../shared/closing.mjs';

export const aggregate = ({ python, threads, runs = 3, sites = [6, 100, 1000], size = 'sam-vit-b' }) =>
  inFolder(async function* (folder) {
    const bytes = writeRound(folder, { aggregation: 'product-svd', wire: 'fp32' }, size);
    const inUpdates = (values) => Number((median(values) / bytes).toPrecision(3));
    for (const [count, precision] of sites.flatMap((count) => [
      [count, 'float32'],
      [count, 'float64'],
    ])) {
      const starts = [
        () => own('aggregate.mjs', folder, count, threads),
        () => peer(python, 'aggregate.py', folder, count, precision, threads),
      ];
      yield await compare(`${count} sites / ${precision}`, starts, { runs }, ([graft, dense]) => ({
        ...stepRow([graft, dense]),
        updatesInTensors: inUpdates(graft.map(({ value }) => value[0])),
        updatesInProcess: inUpdates(graft.map(({ value }) => value[1])),
        peerUpdatesInProcess: inUpdates(dense.map(({ value }) => value)),
      }));
    }
  });
