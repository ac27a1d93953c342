/** What a federated run's report says first: of one plan, what its rounds gain for certain. */
import type { Comparison } from '../../compare/index.js';
import { bytes, change, fixed, type Headline, listed } from '../../report/index.js';
import { verdictOn } from '../verdict.js';
import type { FederationRecipe } from './recipe.js';
import type { FederationSummary, PlanSummary } from './summary.js';

/** The plan that pictures and headline are about, which no score chooses: the first that is run in rounds. */
export const planToShow = ({ variants }: FederationRecipe): string =>
  (variants.find(({ regimes }) => regimes.includes('federated')) ?? variants[0]).name;

const regimeWords: Record<string, string> = {
  federated: 'in rounds',
  local: 'at each site alone',
  centralised: 'with all cases in one place',
};

/** @param comparison of all plans and regimes, where there are several */
export function headlineOf(
  { seeds, sites }: FederationSummary,
  { name, regimes, gain, traffic }: PlanSummary,
  comparison: Comparison | undefined,
): Headline {
  const labelOf = (entry: string) => {
    const at = entry.lastIndexOf('/');
    return `${entry.slice(0, at)} ${regimeWords[entry.slice(at + 1)]}`;
  };
  const means = listed(
    Object.entries(regimes).map(([regime, { dice }]) => `${fixed(dice.mean.mean)} ${regimeWords[regime]}`),
  );
  const facts = `Mean Dice over ${sites.length} sites, ${name}: ${means}.`;
  const worse = gain ? sites.filter((site) => gain[site].mean < 0) : [];
  const more = [
    ...(comparison ? [facts] : []),
    ...(gain
      ? [
          `By site, the mean in rounds is higher than alone on ${sites.length - worse.length} of ${sites.length}${
            worse.length > 0
              ? ` and lower on ${listed(worse.map((site) => `${site} (${change(gain[site].mean, 0)})`))}`
              : ''
          }.`,
        ]
      : []),
    ...(traffic ? [`${name} moved ${bytes(traffic.perRound)} a round and ${bytes(traffic.total)} in all.`] : []),
  ];
  if (!comparison) return { sentence: facts, more };
  const main = regimes.federated ? `${name}/federated` : `${name}/centralised`;
  const verdict = verdictOn(comparison, { main, labelOf, noun: 'plan', seeds: seeds.length });
  return { sentence: verdict.sentence, more: [...verdict.more, ...more] };
}
