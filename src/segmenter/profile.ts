/** What a model says of the cases it was trained on: it is looked at after training, and kept beside what was trained. */
import { type Pausing, pause } from '../core/index.js';
import {
  byCase,
  type CaseFacts,
  type CaseSlices,
  maskFacts,
  type Profile,
  profileOf,
  RestoredLabels,
  scanFactsOfSlices,
  sourceOfTensor,
} from '../data/index.js';
import { predictSlices } from './predict.js';
import type { Segmenter } from './segmenter.js';
import { Sureness } from './sureness.js';

/** Cases that are looked at: ranges need no more, and every slice takes a pass through the encoder. */
const MOST_CASES = 24;

/** The profile of these cases with the model as it is now; of many cases, of some that are evenly spread among them. */
export function* profileOfCases(model: Segmenter, cases: readonly CaseSlices[]): Pausing<Profile> {
  const { network, maps: channels } = model;
  const groups = byCase(cases);
  const count = Math.min(MOST_CASES, groups.length);
  const facts: CaseFacts[] = [];
  for (let i = 0; i < count; i++) {
    const planes = groups[Math.floor((i * groups.length) / count)];
    const geometries = planes.map(({ geometry }) => geometry);
    const restored = new RestoredLabels(geometries, { channels, background: network.background });
    const sureness = new Sureness(network, channels);
    for (const [plane, { images, geometry }] of planes.entries()) {
      const [, h, w] = geometry.shape;
      for (const { start, probabilities } of predictSlices(model, sourceOfTensor(images))) {
        const values = probabilities.toArray<'float32'>();
        probabilities.dispose();
        restored.add(values, start, plane);
        sureness.add(values, h * w);
        yield pause;
      }
    }
    const scan = scanFactsOfSlices(planes[0]);
    const mask = maskFacts(restored.labels, geometries[0].volume, scan.spacing, model.classes.length);
    facts.push({ ...scan, ...mask, entropy: sureness.entropy });
  }
  return profileOf(facts);
}
