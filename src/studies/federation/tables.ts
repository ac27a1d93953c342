/** The tables of a federated study: Dice by plan, regime and site, and what the rounds moved. */
import type { SummaryTable } from '../findings.js';
import { overSeeds } from '../spread.js';
import type { FederationSummary } from './summary.js';

export const tablesOf = (summary: FederationSummary): SummaryTable[] => [diceTable(summary), ...trafficTable(summary)];

/** A row for every plan and regime. */
function diceTable(summary: FederationSummary): SummaryTable {
  const { plans, sites, classes, seeds } = summary;
  const several = classes.length > 1;
  const scores = sites.flatMap((site) => (several ? classes.map((name) => `${site} ${name}`) : [site]));
  const hasGain = plans.some(({ gain }) => gain);
  return {
    title: `Dice on unseen cases, ${overSeeds(summary)}; local: every site’s own model on its own cases:`,
    columns: [
      ...['plan', 'regime'].map((name) => ({ name })),
      ...[...scores, 'mean'].map((name) => ({ name, best: true })),
      ...[...(seeds.length > 1 ? ['sd'] : []), ...(hasGain ? ['gain'] : [])].map((name) => ({ name })),
    ],
    rows: plans.flatMap(({ name, regimes, gain }) =>
      Object.entries(regimes).map(([regime, { dice, classes: byClass }]) => [
        ...[name, regime],
        ...sites.flatMap((site) => classes.map((one) => byClass[site][one].mean)),
        dice.mean.mean,
        ...(seeds.length > 1 ? [dice.mean.sd.toFixed(4)] : []),
        ...(gain ? [regime === 'federated' ? signed(gain.mean.mean) : undefined] : []),
      ]),
    ),
  };
}

const signed = (value: number) => (value > 0 ? '+' : '') + value.toFixed(4);

/** Of the plans that were run in rounds, where there are some. */
function trafficTable({ plans }: FederationSummary): SummaryTable[] {
  const moved = plans.flatMap((plan) => (plan.traffic ? [{ ...plan, ...plan.traffic }] : []));
  if (moved.length === 0) return [];
  const measured = moved[0].reduction.against === 'measured';
  const full = measured ? 'the plan full moved in this run' : 'all tensors as float32 would take';
  return [
    {
      title: `Bytes to and from all sites, counted on the wire; less: how many times less than ${full}:`,
      columns: [
        { name: 'plan' },
        ...['trained', 'travels'].map((name) => ({ name, as: 'count' as const })),
        { name: 'rounds' },
        ...['a round', 'in all'].map((name) => ({ name, as: 'bytes' as const })),
        { name: 'less' },
      ],
      rows: moved.map(({ name, trainedParameters, travellingParameters, rounds, perRound, total, reduction }) => [
        ...[name, trainedParameters, travellingParameters!, rounds, perRound, total],
        reduction.factor.toFixed(1),
      ]),
    },
  ];
}
