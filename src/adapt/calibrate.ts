/**
 * Brightness: a target whose sequence shows the organ darker or brighter than the source did is brought nearer to it by a
 * power of its intensities (gamma correction), chosen without labels. A network is unsure of what it does not recognise,
 * so the power is taken at which the source model's probabilities have the least entropy for what it segments. Choosing
 * among inputs what choosing among weights does in entropy minimisation (Wang et al. 2021, TENT) needs no gradient and
 * cannot move the network.
 */
import type { CaseSlices } from '../data/index.js';
import { adaptError } from './errors.js';
import { entropyOf, mean, runNetwork } from './observe.js';
import type { Segmenter } from './segmenter.js';

/**
 * The candidate with the least mean entropy over the target's cases; the nearest to 1 of equals.
 *
 * @throws GraftError GAMMA_UNSUITED
 */
export function chooseGamma(model: Segmenter, target: readonly CaseSlices[], candidates: readonly number[]): number {
  if (candidates.length === 1 && candidates[0] === 1) return 1;
  if (model.preprocessing.intensity.kind.endsWith('z-score'))
    throw adaptError('GAMMA_UNSUITED', { gamma: candidates.join(', ') });
  return [...candidates]
    .sort((a, b) => Math.abs(Math.log(a)) - Math.abs(Math.log(b)))
    .map((gamma) => {
      const seen = target.map(({ images }) => entropyOf(runNetwork(model, images, { gamma }).probabilities));
      return { gamma, entropy: mean(seen) };
    })
    .reduce((best, one) => (one.entropy < best.entropy ? one : best)).gamma;
}
