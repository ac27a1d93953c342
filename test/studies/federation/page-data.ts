/** A plausible page of a federated run. */
import { encodeGroups, type PageData } from '../../../src/report/index.js';

export const sites = ['north', '<b>south</b>'];
const spread = (...values: number[]) => ({ mean: values.reduce((a, b) => a + b) / values.length, sd: 0.01, values });
const bySite = (value: number) =>
  Object.fromEntries([...sites, 'mean'].map((site, i) => [site, spread(value + 0.01 * i, value + 0.02 * i)]));
const scores = (value: number) => ({
  dice: bySite(value),
  surfaceDice: bySite(value - 0.1),
  classes: Object.fromEntries(sites.map((site) => [site, { head: spread(value), tail: spread(value - 0.05) }])),
});
const plan = (name: string, value: number, total: number) => ({
  ...{ name, label: name, trainedParameters: 1000, travellingParameters: 900 },
  regimes: { local: scores(value - 0.1), centralised: scores(value + 0.02), federated: scores(value) },
  localModels: bySite(value - 0.2),
  gain: bySite(0.1),
  traffic: {
    ...{ rounds: 2, down: total / 2, up: total / 2, total, perRound: total / 2 },
    reduction: { factor: 4e7 / total, against: 'measured' as const },
  },
});

/** Two plans at two sites, one of which was late. */
export function plausibleFederation(): PageData {
  const cell = { outcome: 'accepted' as const, down: 1000, up: 2000 };
  const late = { outcome: 'late' as const, down: 500, up: 2000 };
  const [width, height] = [12, 10];
  const mask = (label: number) => Uint8Array.from({ length: width * height }, (_, i) => (i % width > 4 ? label : 0));
  const series = ['local', 'federated'].map((name, i) => ({
    name,
    points: [
      [1, 0.2 + i],
      [2, 0.5 + i],
    ] as [number, number][],
  }));
  return {
    ...{
      title: 'T & U',
      description: 'D',
      provenance: { facts: [['graft', '0']], settings: [], files: [] },
      notes: ['N'],
    },
    headline: { sentence: 'full in rounds gains 0.1 Dice', more: ['It moved 20 MB a round and 40 MB in all.'] },
    regimes: {
      ...{ toleranceMm: 2, seeds: [1, 2], sites, classes: ['head', 'tail'] },
      plans: [plan('flap-sam', 0.7, 1e6), plan('full', 0.75, 4e7)],
    },
    curves: [{ title: 'flap-sam', charts: sites.map((title) => ({ title, xLabel: 'round', yLabel: 'Dice', series })) }],
    moved: {
      title: 'B',
      xLabel: 'bytes',
      yLabel: 'Dice',
      xScale: 'bytes',
      series: [
        {
          name: 'flap-sam',
          points: [
            [5e5, 0.4],
            [1e6, 0.7],
          ],
        },
      ],
    },
    ledgers: [
      {
        ...{ plan: 'flap-sam', seed: 1 },
        rounds: [
          { round: 1, error: 0.01, cells: { north: cell, '<b>south</b>': late } },
          { round: 2, error: undefined, cells: { north: cell } },
        ],
      },
    ],
    aggregations: [
      {
        title: 'flap-sam',
        rounds: [1, 2].map((round) => ({
          ...{ round, error: round / 100 },
          agreement: {
            ...{ layers: ['encoder.0', 'encoder.1'], norm: 2 },
            sites: [...sites, 'west', 'east'].map((site, k) => ({
              ...{ site, norms: [3, 4], cosine: k === 1 ? -0.5 / round : 0.75 },
            })),
            pairs: [-0.25, 0.5, -0.25, 0.5, -0.25, 0.5],
          },
        })),
      },
    ],
    standing: {
      ...{ state: 'The coordinator runs; round 2 of 2 is under way.', rounds: 2, quorum: 1 },
      open: { round: 2, chosen: sites, accepted: ['north'], out: [] },
      sites: sites.map((name, i) => ({
        ...{ name, state: 'training, round 2', heard: new Date(0).toISOString(), accepted: 1, refused: i, moved: 2000 },
        took: { count: 2, seconds: 3600 },
        ...(i === 1 && { reason: 'The update has another number of tensors.' }),
      })),
      done: [{ round: 1, weights: { north: 0.25, '<b>south</b>': 0.75 }, loss: 0.5, moved: 4000 }],
    },
    site: {
      ...{ state: 'Trains round 3.', rounds: 4 },
      done: [
        ...[1, 2].map((round) => ({
          ...{ round, down: 1000, up: 2000, metrics: { loss: 1 / round } },
          asked: `2026-01-01T0${round}:00:00.000Z`,
          sent: `2026-01-01T0${round}:30:00.000Z`,
        })),
        { round: 3, asked: '2026-01-01T03:00:00.000Z', down: 0, up: 0, metrics: {} },
      ],
    },
    journal: {
      lines: ['round.opened', 'update.accepted'].map((act, i) => ({
        ...{ at: '2026-01-01T00:00:00.000Z', act, subject: sites[i]!, told: 'round 1' },
      })),
      head: 'abcdef0123456789abcdef',
    },
    images: {
      ...{ about: 'A', outlined: ['truth', 'local', 'federated'], classes: ['head', 'tail'] },
      groups: encodeGroups([
        {
          title: 'north',
          panels: [
            {
              ...{ which: 'best', name: 'c1', caseName: 'c1', lines: ['Federated 0.8'] },
              slices: [
                {
                  ...{ plane: 'axial', width, height, pixelSpacing: [1, 1], image: new Uint8Array(width * height) },
                  masks: { truth: mask(1), local: mask(0), federated: mask(2) },
                  cut: ['federated'],
                },
              ],
            },
          ],
        },
      ]),
    },
  };
}
