/**
 * ConvLoRA's adaptation (the encoder adapted) beside the loop that follows the paper's procedure: one step on slices of
 * 256², with batch statistics that move (`ema`) and with stored ones (`recompute`), and the whole adaptation of a site, from
 * the start of the process to its end.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { surfelAreas } from '../../dist/metrics/surfels.js';
import { compare, graft, inFolder, own, peer, peerProgram } from '../harness.mjs';
import { spacing, writeModel, writeVolumes } from '../shared/models.mjs';

const all = [
  { statistics: 'ema', filters: 16, batch: 8 },
  ...[16, 8].flatMap((filters) => [8, 32].map((batch) => ({ statistics: 'recompute', filters, batch }))),
];

export async function* adaptStep({ python, threads, runs = 9, size = 256, variants = all, site = ofSite }) {
  for (const { statistics, filters, batch } of variants) {
    const sizes = [batch, size, filters, threads];
    const starts = [() => own('adapt-step.mjs', statistics, ...sizes), () => peer(python, 'adapt_step.py', ...sizes)];
    yield await compare(`${statistics}, ${filters} filters, batch ${batch}`, starts, { runs });
  }
  yield* wholeSite({ python, threads, runs: Math.ceil(runs / 3), ...site });
}

const ofSite = { volumes: 4, shape: [8, 128, 128], filters: 8, epochs: 2, batch: 16 };

const wholeSite = ({ python, threads, runs, volumes, shape, filters, epochs, batch }) =>
  inFolder(async function* (folder) {
    const data = join(folder, 'data');
    const images = writeVolumes(join(data, 'site', 'images'), volumes, shape);
    const { model } = writeModel(folder, 'unet2d', { filters }, { plan: 'convlora', adapter: {} });
    const areas = join(folder, 'areas.json');
    writeFileSync(areas, JSON.stringify({ spacing, areas: [...surfelAreas(spacing)] }));
    const out = join(folder, 'site.safetensors');
    const settings = [
      '--method',
      'convlora',
      '--statistics',
      'ema',
      '--epochs',
      epochs,
      '--batch',
      batch,
      '--no-guard',
    ];
    const args = ['adapt', model, data, '--site', 'site', '--out', out, ...settings, '--quiet'];
    // What is there already is not overwritten.
    const own = () => graft(threads, args, () => rmSync(out, { force: true }));
    const given = [model, images, areas, join(folder, 'best.pth'), epochs, batch, threads];
    const starts = [own, () => peerProgram(python, 'adapt_site.py', ...given)];
    yield await compare(`site of ${volumes} × ${shape.join('×')}, ${epochs} epochs`, starts, { runs });
  });
