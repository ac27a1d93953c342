/** A plausible page: ellipses as brains, five methods on four scanners, noise from a named stream. */
import { random } from '../../src/core/index.js';
import { lineChart } from '../../src/report/chart.js';
import { imagePanels } from '../../src/report/images.js';
import {
  encodeGroups,
  html,
  type PageCases,
  type PageData,
  type PageScores,
  type Panel,
  type PanelGroup,
  type Plane,
  provenanceSection,
  type ReportScore,
  type ReportSlice,
} from '../../src/report/index.js';
import { overviewChart } from '../../src/report/overview.js';
import { scoreTables } from '../../src/report/table.js';

const targets = ['Siemens 1.5 T', 'Philips 1.5 T', 'Philips 3 T', 'GE 3 T'];
const methods: PageScores['methods'] = [
  { name: 'source', label: 'Source', trainedParameters: 0, adapterBytes: null },
  { name: 'adabn', label: 'AdaBN', trainedParameters: 0, adapterBytes: 18_432, seconds: 12.4 },
  { name: 'convlora', label: 'ConvLoRA', trainedParameters: 47_104, adapterBytes: 196_608, seconds: 311 },
  { name: 'convlora-adabn', label: 'ConvLoRA + AdaBN', trainedParameters: 47_104, adapterBytes: 215_040, seconds: 318 },
  { name: 'full', label: 'Full fine-tuning', trainedParameters: 24_305_729, adapterBytes: 97_234_512, seconds: 904 },
];
const level: Record<string, number> = { source: 0.72, adabn: 0.79, convlora: 0.83, 'convlora-adabn': 0.87, full: 0.86 };

/** An ellipse's mask: uint8 [height, width]. */
export function ellipse(width: number, height: number, centre: [number, number], radii: [number, number]): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    return ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2 <= 1 ? 1 : 0;
  });
}

/** A slice of an imaginary head, outlined by the reference and two models. */
function head(target: string, which: Panel['which'], plane: Plane, size: [number, number], t: number): ReportSlice {
  const noise = random(7, target, which, plane);
  const [width, height] = size;
  const middle: [number, number] = [width * 0.5, height * 0.5];
  const radii: [number, number] = [width * (t === 3 ? 0.36 : 0.27), height * (t === 3 ? 0.29 : 0.35)];
  const shape = (centre: [number, number], [x, y]: [number, number]) => ellipse(width, height, centre, [x, y]);
  const truth = shape(middle, radii);
  const skull = shape(middle, [radii[0] * 1.18, radii[1] * 1.15]);
  const skin = shape(middle, [radii[0] * 1.3, radii[1] * 1.24]);
  const ventricle = shape([middle[0] * 0.9, middle[1]], [width * 0.04, height * 0.1]);
  const image = Uint8Array.from({ length: width * height }, (_, i) => {
    const tissue = ventricle[i] ? 55 : truth[i] ? 135 : skull[i] ? 25 : skin[i] ? 185 : 6;
    return Math.max(0, Math.min(255, Math.round(noise.normal(tissue, 9))));
  });
  const error = errors[which];
  const source = shape([middle[0] + width * error, middle[1] * 0.98], [radii[0] * 1.12, radii[1] * 0.9]);
  for (let i = 0; i < source.length; i++) if (noise.chance(0.00005) && truth[i]) source[i] = 0;
  const adapted = shape([middle[0], middle[1] * (1 - error)], [radii[0] * (1 - error), radii[1]]);
  const pixelSpacing: [number, number] = plane === 'axial' ? (t === 3 ? [1.2, 0.8] : [1, 1]) : [3, 1];
  const heat = truth.map((inside, i) => (inside === adapted[i] ? 0 : 4 * (0.5 + (i % 9))));
  return { plane, width, height, pixelSpacing, image, masks: { truth, source, adapted }, heat, cut: [] };
}

const errors = { best: 0.01, median: 0.03, worst: 0.09 };

const brain = (target: string, which: Panel['which'], side: number, t: number): Panel => ({
  which,
  name: `CC00${t}${which.length}_${target.replaceAll(' ', '_').toLowerCase()}_55_M`,
  lines: [`Adapted ${(0.95 - errors[which]).toFixed(3)}`, `Source ${(0.8 - errors[which]).toFixed(3)}, change +0.150`],
  slices: [
    head(target, which, 'axial', [side, side], t),
    head(target, which, 'coronal', [side, side / 4], t),
    head(target, which, 'sagittal', [side, side / 4], t),
  ],
});

/** @param side pixels of the square slices */
export const heads = (side = 256): PanelGroup[] =>
  targets.map((title, t) => ({
    title,
    panels: (['best', 'median', 'worst'] as const).map((which) => brain(title, which, side, t)),
  }));

/** @param count of cases */
export function plausibleCases(count: number): PageCases {
  const draw = random(5, 'cases', count);
  return {
    measures: [
      { name: 'surfaceDice', title: 'surface Dice at 1 mm', digits: 3, better: 'higher' },
      { name: 'hausdorff95', title: '95 % Hausdorff distance (mm)', digits: 2, better: 'lower' },
    ],
    models: methods.map(({ name, label }) => ({ name, label })),
    ...{ main: 'convlora-adabn', baseline: 'source' },
    rows: Array.from({ length: count }, (_, i) => {
      const dice = methods.map(({ name }) => Math.min(1, draw.normal(level[name]!, 0.08)));
      return {
        ...{ site: targets[i % targets.length]!, name: `case-${i.toString(16).padStart(4, '0')}` },
        values: [dice, dice.map((value) => (value < 0.6 ? Number.POSITIVE_INFINITY : 40 * (1 - value)))],
      };
    }),
  };
}

/** The page with its pictures. @param groups as encoded @param count of cases */
export function plausiblePage({ groups = heads(), count = 32 } = {}): PageData {
  const scores: ReportScore[] = targets.flatMap((target, t) =>
    methods.map(({ name }) => {
      const draw = random(1, target, name);
      const centre = level[name]! - 0.04 * t + draw.normal(0, 0.01);
      const surfaceDice = [0, 1, 2].map(() => Math.min(1, draw.normal(centre, name === 'source' ? 0.004 : 0.012)));
      return {
        target,
        method: name,
        surfaceDice,
        dice: surfaceDice.map((value) => 0.6 + 0.4 * value),
        hausdorff95: surfaceDice.map((value) => 30 * (1 - value)),
        kept: name === 'source' ? 'source' : name === 'adabn' ? 'statistics' : 'adapted',
      };
    }),
  );
  const kept = scores.find((score) => score.target === 'GE 3 T' && score.method === 'convlora')!;
  const source = scores.find((score) => score.target === kept.target && score.method === 'source')!;
  Object.assign(kept, {
    ...source,
    method: kept.method,
    guard: 'The predicted volume fell by 41 % during self-training; at most 25 % is allowed.',
  });
  const noisy = (name: string, from: number, to: number) => {
    const draw = random(3, name);
    return {
      name,
      points: Array.from({ length: 30 }, (_, x): [number, number] => [
        x + 1,
        to + (from - to) * Math.exp(-x / 7) + draw.normal(0, 0.006),
      ]),
    };
  };
  return {
    title: 'Brain extraction across scanners: unsupervised adaptation',
    description:
      'One U-Net trained on the source scanner (GE 1.5 T) and adapted to four others without their labels. ' +
      'Labels of the target scanners were used for measuring only.',
    headline: {
      sentence:
        'ConvLoRA + AdaBN gains 0.150 surface Dice at 1 mm over the source model (95 % interval 0.110 to 0.190, 32 cases, 3 seeds).',
      more: ["Certain means p < 0.05 (Wilcoxon's signed-rank test, two-sided, with Holm's correction)."],
    },
    cases: plausibleCases(count),
    provenance: {
      command: 'graft run recipes/brain-scanners.yaml --out runs/brain-scanners --set seeds=[1,2,3]',
      settings: [
        ['source', 'ge-15'],
        ['training.lr', '0.001'],
      ],
      files: [
        {
          name: 'models/seed1.safetensors',
          sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        },
      ],
      facts: [
        ['graft', '0.1.0 (a1b2c3d)'],
        ['libtorch', '2.13.0, CPU, 8 threads'],
        ['Node.js', '20.19.4 on linux x64'],
        ['Seeds', '1, 2, 3'],
        ['Data', '10 source and 4 × 8 target cases'],
      ],
    },
    scores: { toleranceMm: 1, methods, targets, scores },
    selections: [
      {
        ...{ place: 'seed 1, GE 3 T', method: 'ConvLoRA', kept: 'source' },
        guard: 'the predicted volume left the range of the source domain',
        looks: ['source', 'statistics', '1', '2'].map((candidate, i) => ({
          ...{
            candidate,
            volumeMl: 1400 - 150 * i,
            entropy: 0.5,
            agreement: 0.8 + 0.05 * i,
            agreementWithSource: 1 - 0.1 * i,
          },
          departures: i === 3 ? [{ measure: 'volume', value: 950, low: 1100, high: 1600 }] : [],
        })),
      },
    ],
    notes: [
      'Eight cases for each target: a difference of less than about 0.02 in surface Dice is within what chance gives.',
      'The reference outlines are consensus masks of eight algorithms (STAPLE), not manual outlines.',
    ],
    curves: [
      {
        charts: [
          {
            title: 'Training loss on the source scanner',
            xLabel: 'Epoch',
            yLabel: 'Loss (Dice + cross-entropy)',
            series: [noisy('training', 0.82, 0.06), noisy('validation', 0.85, 0.1)],
          },
          {
            title: 'Self-training agreement',
            xLabel: 'Epoch',
            yLabel: 'Dice between the early head and the output',
            series: targets.map((target, t) => noisy(target, 0.7 - 0.02 * t, 0.93 - 0.015 * t)),
          },
          {
            title: 'Learning rate',
            xLabel: 'Step',
            yLabel: 'Learning rate',
            series: [
              { name: 'rate', points: Array.from({ length: 50 }, (_, x) => [x * 100, 1e-4 * (1 - x / 50) ** 0.9]) },
            ],
          },
        ],
      },
    ],
    images: {
      about: 'For each target the best, the median and the worst case by the surface Dice of ConvLoRA + AdaBN.',
      ...{ outlined: ['truth', 'source', 'adapted'], classes: ['brain'], groups: encodeGroups(groups) },
    },
  };
}

/** What the page's views draw, without a browser. */
export const drawn = ({ scores, images, curves = [], provenance }: PageData): string =>
  html`${scores && [scoreTables(scores), overviewChart(scores)]}${images && imagePanels(images)}${curves.flatMap(
    ({ charts }) => charts.map(lineChart),
  )}${provenance && (provenanceSection(provenance).content || undefined)}`.text;
