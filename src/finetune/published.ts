/**
 * A checkpoint of segment-anything or MedSAM as it was published, for prompts. Slices, one at a time, are stretched to the
 * model's square as MedSAM does, or keep their sides' ratio and are padded as segment-anything does; the darkest and the
 * brightest half percent of a volume are clipped, as in MedSAM's preparation: segment-anything begins with 8-bit images.
 */
import { preprocessingSchema, windowSchema } from '../data/index.js';
import { loadSamCheckpoint, publishedConfig, samStateOf, takeUnitImages } from '../networks/index.js';
import { disposeState, readState } from '../nn/index.js';
import { SamSegmenter } from './segmenter.js';

/** How a published checkpoint expects its images, which its file does not say. */
export const scalings = ['sam', 'medsam'] as const;
export type Scaling = (typeof scalings)[number];

/** @throws GraftError SAM_PUBLISHED, SAM_CONFIG, and what `loadSamCheckpoint` throws */
export function loadPublishedSam(path: string, scaling: Scaling, { device = 'cpu' } = {}): SamSegmenter {
  const { state } = readState(path);
  const architecture = publishedConfig(samStateOf(state, path), path);
  disposeState(state);
  const preprocessing = preprocessingSchema.parse({
    ...{ size: [architecture.imageSize, architecture.imageSize], stretch: true, multiple: 16 },
    intensity: { kind: 'percentile', low: 0.5, high: 99.5 },
  });
  // MedSAM stretches every slice to [0, 1] once more.
  const windows = windowSchema.parse({ slices: 1, scaling: scaling === 'medsam' ? 'window' : 'volume' });
  const model = new SamSegmenter({
    architecture,
    classes: [],
    preprocessing,
    windows,
    device,
    cornered: scaling === 'sam',
  });
  loadSamCheckpoint(model.sam, path);
  if (scaling === 'sam') takeUnitImages(model.sam);
  return model;
}
