/**
 * Whether a prediction is to be believed: what is seen of an image and of the answer to it beside what a model's source
 * looks like. A network answers to anything; a head's network that is shown a hippocampus answers "nothing", and means it.
 *
 * Ordinary targets differ from the source, too: the slack is such that other scanners, thicker slices and the ordinary
 * variety of patients raise no doubt (calibrated on brains of two hospitals, three contrasts; docs/predict.md).
 */
import type { Intensity } from '../preprocess/index.js';
import type { CaseFacts } from './facts.js';
import { distributionOf, type Profile, type Range, totalOf } from './profile.js';

export interface Doubt {
  measure: 'volume' | 'reach' | 'entropy' | 'heads' | 'spacing' | 'field of view' | 'intensity' | 'modality';
  /** A sentence's part with the numbers: `segmented 0.0 ml, source cases 1150 to 1690 ml`. */
  text: string;
}

/** How far a case may leave the source's range: a factor, or a difference for what lies between 0 and 1. */
const SLACK = {
  volume: 1.5,
  class: 2,
  reach: 1.2,
  entropy: 1.5,
  spacing: 2.5,
  extent: 2.5,
  heads: 0.2,
  /** Of the distance between the first and the last percentile, or of the width of a fixed window. */
  intensity: 0.3,
};
/** Fewer cases may happen to be alike: the slack is doubled. */
const MANY = 10;

const axisNames = ['from foot to head', 'from back to front', 'from left to right'];
const quartileNames = ['a quarter', 'half', 'three quarters'];

/**
 * What is not as on the source; none where the profile says nothing.
 *
 * @param profile of the model's source; without one a mask of nothing is doubted alone
 * @param options.intensity how the model's images are scaled: fixed scales see the unit, others do not
 */
export function doubtsOf(
  facts: CaseFacts,
  profile: Profile | undefined,
  { classes, intensity }: { classes: readonly string[]; intensity: Intensity },
): Doubt[] {
  const { volumeMl, classMl, reachMm, entropy, heads, spacingMm, extentMm, modalities, cases = 0 } = profile ?? {};
  const few = cases < MANY;
  const doubts: Doubt[] = [];
  const doubt = (measure: Doubt['measure'], text: string) => doubts.push({ measure, text });
  const beyond = (value: number, range: Range | undefined, slack: number) =>
    range ? excess(value, range, few ? 2 * slack - 1 : slack) : 0;
  const worst = (values: readonly number[], ranges: readonly Range[] | undefined, slack: number) => {
    const excesses = values.map((value, i) => beyond(value, ranges?.[i], slack));
    const most = Math.max(0, ...excesses);
    return most > 0 ? excesses.indexOf(most) : undefined;
  };

  const total = totalOf(facts);
  if (total === 0) {
    // Nothing else is to be said of an empty mask. A source with cases of nothing makes it an answer like others.
    if (!volumeMl) doubt('volume', 'segmented nothing');
    else if (volumeMl.high === 0) doubt('volume', 'segmented nothing, as on every source case');
    else if (volumeMl.low > 0) doubt('volume', `segmented 0.0 ml, ${source(volumeMl, millilitres)}`);
  } else {
    if (beyond(total, volumeMl, SLACK.volume) > 0)
      doubt('volume', `segmented ${millilitres(total)}, ${source(volumeMl!, millilitres)}`);
    else if (classes.length > 1) {
      const one = worst(facts.volumesMl, classMl, SLACK.class);
      if (one !== undefined)
        doubt('volume', `${classes[one]}: ${millilitres(facts.volumesMl[one])}, ${source(classMl![one], millilitres)}`);
    }
    const axis = worst(facts.reach, reachMm, SLACK.reach);
    if (axis !== undefined)
      doubt(
        'reach',
        `what was segmented reaches ${millimetres(facts.reach[axis])} ${axisNames[axis]}, ${source(reachMm![axis], millimetres)}`,
      );
    // Being surer than on the source is no fault.
    if (facts.entropy !== undefined && entropy && beyond(facts.entropy, { ...entropy, low: 0 }, SLACK.entropy) > 0)
      doubt('entropy', `${bits(facts.entropy)} of entropy per segmented voxel, ${source(entropy, bits)}`);
    if (facts.heads !== undefined && heads && facts.heads < heads.low - (few ? 2 : 1) * SLACK.heads)
      doubt('heads', `the two heads agree to a Dice of ${share(facts.heads)}, ${source(heads, share)}`);
  }
  const spaced = worst(facts.spacing, spacingMm, SLACK.spacing);
  if (spaced !== undefined)
    doubt(
      'spacing',
      `voxels of ${millimetres(facts.spacing[spaced])} ${axisNames[spaced]}, ${source(spacingMm![spaced], millimetres)}`,
    );
  const seen = worst(facts.extent, extentMm, SLACK.extent);
  if (seen !== undefined)
    doubt(
      'field of view',
      `a field of view of ${millimetres(facts.extent[seen])} ${axisNames[seen]}, ${source(extentMm![seen], millimetres)}`,
    );
  const bright = intensityDoubt(facts, profile, intensity, few);
  if (bright) doubt('intensity', bright);
  if (facts.modality && modalities && !modalities.includes(facts.modality))
    doubt('modality', `modality ${facts.modality}, source cases ${modalities.join(', ')}`);
  return doubts;
}

/** What a profile cannot be asked, for a note that is shown once. */
export function uncheckedOf(profile: Profile | undefined): string[] {
  const { volumeMl, entropy, reachMm, spacingMm, extentMm, distribution } = profile ?? {};
  const parts = {
    'segmented volume': volumeMl,
    'how far it reaches': reachMm,
    entropy,
    spacing: spacingMm,
    'field of view': extentMm,
    intensity: distribution,
  };
  return Object.entries(parts).flatMap(([what, known]) => (known ? [] : [what]));
}

/** By which factor a value leaves a range that is widened by the slack; 0 inside. */
function excess(value: number, { low, high }: Range, slack: number): number {
  if (value > high * slack) return value / (high * slack);
  return value < low / slack ? low / slack / Math.max(value, 1e-9) : 0;
}

function intensityDoubt(
  facts: CaseFacts,
  profile: Profile | undefined,
  intensity: Intensity,
  few: boolean,
): string | undefined {
  const fixed = 'low' in intensity && intensity.kind !== 'percentile';
  const unit = fixed ? intensity.high - intensity.low : 1;
  const ranges = fixed ? profile?.quantiles?.slice(1, -1) : profile?.distribution;
  const values = fixed ? facts.quantiles?.slice(1, -1) : distributionOf(facts);
  if (!ranges || !values) return undefined;
  const away = values.map((value, i) => Math.max(ranges[i].low - value, value - ranges[i].high, 0) / unit);
  const most = Math.max(...away);
  if (most <= (few ? 2 : 1) * SLACK.intensity) return undefined;
  const i = away.indexOf(most);
  const show = fixed ? plain : percent;
  const scale = fixed ? '' : ' of the range of brightness';
  return `${quartileNames[i]} of the voxels lie below ${show(values[i])}${scale}, ${source(ranges[i], show)}`;
}

const plain = (value: number) => Number(value.toPrecision(3)).toString();
const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
const share = (value: number) => value.toFixed(2);
const bits = (value: number) => `${value.toFixed(2)} bits`;
const millimetres = (value: number) => `${value >= 10 ? value.toFixed(0) : plain(value)} mm`;
/** Structures of a millilitre have decimals. */
const millilitres = (value: number) => `${value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2)} ml`;

/** `source cases 1150 to 1690 ml` */
function source({ low, high }: Range, show: (value: number) => string): string {
  const [from, to] = [show(low), show(high)];
  if (from === to) return `source cases ${to}`;
  const [, unit = ''] = /^\S+( .*)$/.exec(to) ?? [];
  return `source cases ${unit && from.endsWith(unit) ? from.slice(0, -unit.length) : from} to ${to}`;
}
