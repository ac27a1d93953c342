/** What the commands that carry out a recipe share: their options, and how an experiment's result is told. */
import { basename, extname, join } from 'node:path';
import type { Headline } from '../report/index.js';
import type { AnyRecipe, Experiment, FederationSummary, Summary } from '../studies/index.js';
import { bytes, count, wrap } from './format.js';
import type { Context } from './run-command.js';
import { readAssignments } from './settings.js';
import { type Cell, formatTable } from './table.js';

/** The options that every recipe takes. */
export async function recipeOptions() {
  const { z } = await import('zod');
  return z.strictObject({
    data: z.string().optional().describe('the data set, ROOT/SITE/{images,labels}/CASE.nii.gz'),
    out: z.string().optional().describe('the run’s folder; default: runs/ and the recipe’s name'),
    resume: z.boolean().default(false).describe('go on with the run in the folder, if there is one'),
    extend: z
      .boolean()
      .default(false)
      .describe('go on with the run in the folder under a recipe that asks for more (docs/extending.md)'),
    set: z.array(z.string()).default([]).describe('overrules a key of the recipe, such as training.epochs=10'),
    tensorboard: z.boolean().optional().describe('write event files for TensorBoard into the run’s folder'),
    mlflow: z.string().optional().describe('send numbers and the report to the MLflow server at this address'),
  });
}

/** What the options overrule in a recipe, by dotted key. @param command named in errors */
export async function overrides(
  {
    set,
    tensorboard,
    mlflow,
  }: { set: readonly string[]; tensorboard?: boolean | undefined; mlflow?: string | undefined },
  command: string,
): Promise<Record<string, unknown>> {
  return {
    ...(tensorboard !== undefined && { 'tracking.tensorboard': tensorboard }),
    ...(mlflow !== undefined && { 'tracking.mlflow.uri': mlflow }),
    ...(await readAssignments(set, command)),
  };
}

interface Given {
  /** The recipe's. */
  file: string;
  data?: string | undefined;
  out?: string | undefined;
  resume: boolean;
  extend: boolean;
}

/** Carries out the experiment and prints what it found. */
export async function carryOut(
  context: Context,
  { kind, recipe }: AnyRecipe,
  { file, data, out, resume, extend }: Given,
) {
  const { runExperiment, runFederationExperiment } = await import('../studies/index.js');
  const folder = out ?? join('runs', basename(file, extname(file)));
  const command = ['graft', ...process.argv.slice(2)];
  const options = { out: folder, resume, extend, file, command, ...(data !== undefined && { data }) };
  if (kind === 'federation') {
    const experiment = await context.follow(runFederationExperiment(recipe, options));
    context.print(experiment, () => describeFederation(experiment, context));
  } else {
    const experiment = await context.follow(runExperiment(recipe, options));
    context.print(experiment, () => describeAdaptation(experiment, recipe.targets, context));
  }
}

/** What the report says first. */
const certain = ({ sentence, more }: Headline, width: number, bold: (text: string) => string): string[] => [
  ...wrap(sentence, width).map(bold),
  ...more.flatMap((text) => wrap(text, width)),
];

const overSeeds = ({ seeds }: { seeds: number[] }) =>
  `mean of ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}`;

function describeAdaptation(
  { headline, summary, report }: Experiment<Summary>,
  targets: string[],
  { width, bold }: Context,
): string {
  const { methods, toleranceMm, seeds }: Summary = summary;
  const columns = [...targets, 'mean'];
  const rows = methods.map(({ label, surfaceDice, dice, trainedParameters, adapterBytes, guarded }) => [
    label,
    ...columns.map((target) => surfaceDice[target].mean),
    dice.mean.mean,
    count(trainedParameters),
    adapterBytes === null ? undefined : `${(adapterBytes / 1000).toFixed(0)} kB`,
    guarded.length > 0 ? `${guarded.length} of ${seeds.length * targets.length}` : undefined,
  ]);
  const header = ['method', ...columns, 'Dice', 'trained', 'adapter', 'guarded'];
  const best = Object.fromEntries([...columns, 'Dice'].map((name) => [name, 'max' as const]));
  return [
    `Surface Dice at ${toleranceMm} mm on unseen patients, ${overSeeds(summary)}:`,
    '',
    formatTable(header, rows, { width, best, emphasise: bold }),
    '',
    ...certain(headline, width, bold),
    '',
    `report: ${report}`,
  ].join('\n');
}

function describeFederation(
  { headline, summary, report }: Experiment<FederationSummary>,
  { width, bold }: Context,
): string {
  const { plans } = summary;
  const parts = [
    `Dice on unseen cases, ${overSeeds(summary)}; local: every site’s own model on its own cases:`,
    diceTable(summary, width, bold),
  ];
  const moved = plans.filter(({ traffic }) => traffic);
  if (moved.length > 0) {
    const measured = moved[0].traffic!.reduction.against === 'measured';
    const full = measured ? 'the plan full moved in this run' : 'all tensors as float32 would take';
    const rows = moved.map(({ name, trainedParameters, travellingParameters, traffic }) => [
      name,
      ...[trainedParameters, travellingParameters!].map(count),
      traffic!.rounds,
      ...[traffic!.perRound, traffic!.total].map(bytes),
      traffic!.reduction.factor.toFixed(1),
    ]);
    parts.push(
      `Bytes to and from all sites, counted on the wire; less: how many times less than ${full}:`,
      formatTable(['plan', 'trained', 'travels', 'rounds', 'a round', 'in all', 'less'], rows, { width }),
    );
  }
  return [...parts, certain(headline, width, bold).join('\n'), `report: ${report}`].join('\n\n');
}

/** A row for every plan and regime. */
function diceTable({ plans, sites, classes, seeds }: FederationSummary, width: number, bold: (text: string) => string) {
  const several = classes.length > 1;
  const columns = sites.flatMap((site) => (several ? classes.map((name) => `${site} ${name}`) : [site]));
  const rows = plans.flatMap(({ name, regimes, gain }) =>
    Object.entries(regimes).map(([regime, { dice, classes: byClass }]): Cell[] => [
      ...[name, regime],
      ...sites.flatMap((site) => classes.map((one) => byClass[site][one].mean)),
      dice.mean.mean,
      ...(seeds.length > 1 ? [dice.mean.sd.toFixed(4)] : []),
      ...(gain ? [regime === 'federated' ? signed(gain.mean.mean) : undefined] : []),
    ]),
  );
  const hasGain = plans.some(({ gain }) => gain);
  const header = [
    'plan',
    'regime',
    ...columns,
    'mean',
    ...(seeds.length > 1 ? ['sd'] : []),
    ...(hasGain ? ['gain'] : []),
  ];
  const best = Object.fromEntries([...columns, 'mean'].map((name) => [name, 'max' as const]));
  return formatTable(header, rows, { width, best, emphasise: bold });
}

const signed = (value: number) => (value > 0 ? '+' : '') + value.toFixed(4);
