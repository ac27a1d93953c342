/** Real volumes, from the file to a mask on the file's own grid. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import {
  loadSlices,
  preprocessingSchema,
  readDataset,
  readLabel,
  readVolume,
  siteOf,
  writeMask,
} from '../../src/data/index.js';
import { promptSchema, segmentVolume, segmentWithPrompt } from '../../src/segmenter/index.js';
import { root } from '../child.js';
import { samSegmenter } from '../segmenters.js';
import { architecture, run } from './small.js';

const data = join(root, '../shared/data/hippocampus');
const folder = mkdtempSync(join(tmpdir(), 'graft-hippocampus-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!existsSync(data))('hippocampi (skipped where ../shared/data is absent)', () => {
  it('are trained on, predicted and written back where they came from', async () => {
    const [first, second] = siteOf(readDataset(data), 'site-c').cases;
    const preprocessing = preprocessingSchema.parse({ size: [64, 64], multiple: 16 });
    const model = samSegmenter(
      { ...architecture, imageSize: 64 },
      { classes: ['anterior', 'posterior'], preprocessing },
    );
    model.initialise(1);
    const [training, validation] = loadSlices([first, second], model.preprocessing, { classes: 3 });
    const { events, end } = await run(
      model,
      { training: [training], validation: [validation] },
      { epochs: 3, overlap: false, batch: 2 },
    );
    const losses = events.flatMap((event) => (event.kind === 'epoch' ? [event.values.loss] : []));
    expect(losses[2]).toBeLessThan(losses[0]);
    expect(end.dice).toHaveLength(3);

    model.use(end.adapter);
    const volume = readVolume(second.image);
    const file = join(folder, 'mask.nii.gz');
    writeMask(file, segmentVolume(model, volume), volume.grid);
    const written = readLabel(file);
    expect({ shape: written.shape, affine: written.affine }).toEqual({ shape: volume.shape, affine: volume.affine });

    const [x, y, z] = volume.grid.dims.map((size) => Math.floor(size / 2));
    const { slice, labels } = runWithoutPauses(
      segmentWithPrompt(model, volume, promptSchema.parse({ points: [{ at: [x, y, z] }] })),
    );
    expect(slice).toBeGreaterThan(0);
    expect(labels.length).toBe(volume.data.length);
  });
});
