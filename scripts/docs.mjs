// Writes the parts of docs/ that follow from the code: errors.md from the error tables, recipes.md from the recipe's
// schema, commands.md from the commands' help. Run "npm run build" first.
//   node scripts/docs.mjs            write
//   node scripts/docs.mjs --check    exit 1 and name the files that differ from what would be written
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import * as adapt from '../dist/adapt/index.js';
import { auditErrors } from '../dist/audit/index.js';
import { cliErrors } from '../dist/cli/errors.js';
import { compareErrors } from '../dist/compare/index.js';
import * as core from '../dist/core/index.js';
import * as data from '../dist/data/index.js';
import { federateErrors } from '../dist/federate/index.js';
import { federationErrors } from '../dist/federation/index.js';
import { finetuneErrors } from '../dist/finetune/index.js';
import { formatErrors } from '../dist/formats/index.js';
import { jobErrors } from '../dist/jobs/index.js';
import { metricErrors } from '../dist/metrics/index.js';
import { networkFamilies } from '../dist/networks/index.js';
import { baseErrors, foreignErrors, stateErrors, trainingErrors } from '../dist/nn/index.js';
import { pacsErrors } from '../dist/pacs/index.js';
import { peftErrors } from '../dist/peft/index.js';
import { receiverErrors } from '../dist/receiver/index.js';
import { segmenterErrors } from '../dist/segmenter/index.js';
import { serverErrors } from '../dist/server/index.js';
import { federationRecipeSchema, recipeSchema, runErrors } from '../dist/studies/index.js';
import { engineErrors } from '../dist/torch/index.js';

const root = new URL('../', import.meta.url);
const recipeIntroduction = `A recipe is a YAML file that describes a whole experiment: the data, the network, the methods and the seeds. \`graft run
RECIPE\` carries it out, writes everything into one run folder and ends with \`report.html\`; \`--set KEY=VALUE\` overrules a
key, \`--resume\` goes on with a run that was stopped, and \`--extend\` with a finished one under a recipe that asks for more
([extending.md](extending.md)). An unknown key is an error that suggests the nearest known one.

The smallest recipe names a data set, a source and the targets; everything else has a default:

\`\`\`yaml
data: { root: data/brain }        # data/brain/SITE/{images,labels}/CASE.nii.gz
source: ixi-t1
targets: [lju-t2]
\`\`\`

A method can be given settings and a name of its own; [methods.md](methods.md) says what the methods do:

\`\`\`yaml
methods:
  - source
  - convlora-adabn
  - { name: first-block, method: convlora-adabn, blocks: [init_path], rank: 4 }
\`\`\`

A recipe with \`sites\` instead of a source and targets is a federation's: \`graft federate RECIPE\` and \`graft run RECIPE\` carry
it out. It needs sites alone, and fine-tunes Segment Anything after every plan in every regime:

\`\`\`yaml
data: { root: data/hippocampus }
classes: [anterior, posterior]
sites: [site-a, site-b, site-c]
\`\`\`

A plan, too, can be given settings and a name of its own:

\`\`\`yaml
plans:
  - flap-sam
  - { name: flap-sam-int8, plan: flap-sam, adapter: { rank: 8 }, federation: { wire: int8 } }
\`\`\``;

/** Areas in the order of docs/errors.md. @type {[title: string, table: import('../dist/core/index.js').ErrorTable][]} */
const areas = [
  ['Command line', cliErrors],
  ['Recipes and runs', { ...runErrors, ...compareErrors, ...core.lockErrors }],
  ['Training, prediction and scoring', jobErrors],
  ['Audit files', auditErrors],
  ['Data sets', { ...data.layoutErrors, ...data.benchmarkErrors, ...data.datasetErrors }],
  ['Images and labels', data.dataErrors],
  ['DICOM', data.dicomErrors],
  ['Archives', pacsErrors],
  ['Viewers', serverErrors],
  ['Receiving', receiverErrors],
  ['Measures', metricErrors],
  ['Models, adapters and adaptation', { ...segmenterErrors, ...adapt.adaptErrors, ...baseErrors }],
  ['Training', { ...trainingErrors, ...finetuneErrors }],
  ...Object.values(networkFamilies).flatMap(({ title, errors: own }) =>
    own ? [/** @type {[string, import('../dist/core/index.js').ErrorTable]} */ ([title, own])] : [],
  ),
  ['Federations', federateErrors],
  ['Who takes part in a federation', federationErrors],
  ['Adapters in a network', peftErrors],
  ['Network states', stateErrors],
  ['Checkpoints of other programs', foreignErrors],
  ['Checkpoint files', formatErrors],
  ['Engine', engineErrors],
  ['Files', core.fileErrors],
];

/**
 * What `graft …COMMAND --help` prints. The program runs in this process, which is much quicker than one for each command.
 *
 * @param {string[]} command
 */
async function help(...command) {
  const { argv } = process;
  const { write } = process.stdout;
  let text = '';
  process.argv = [...argv.slice(0, 2), ...command, '--help'];
  process.stdout.write = (/** @type {unknown} */ part) => {
    text += part;
    return true;
  };
  try {
    await import(`../dist/cli/main.js?${command.join('+')}`);
  } finally {
    process.argv = argv;
    process.stdout.write = write;
    process.stdout.removeAllListeners('error');
  }
  return text.trimEnd();
}

/** The help of a command and of those below it, by their words. @param {...string} command @returns {Promise<[string, string][]>} */
async function helpBelow(...command) {
  const text = await help(...command);
  const [, listed = ''] = text.split('Commands:');
  const found = /** @type {[string, string][]} */ ([[['graft', ...command].join(' '), text]]);
  for (const [, name] of listed.split('\n\n')[0].matchAll(/^ {2}(\w+)/gm))
    found.push(...(await helpBelow(...command, name)));
  return found;
}

// As wide and as plain as in a file, also where somebody looks on.
process.stdout.isTTY = false;
const helps = new Map(await helpBelow());

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** @param {string[]} head @param {string[][]} rows */
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** @param {string} title @param {(string | string[])[]} parts */
const page = (title, ...parts) =>
  `<!-- Written by "npm run docs"; changes belong in the code that it is made from. -->\n\n# ${title}\n\n${parts.flat().join('\n\n')}\n`;

function errors() {
  const codes = [
    ...helps
      .get('graft')
      .split('Exit codes:')[1]
      .matchAll(/^ +(\d+) +(.+)$/gm),
  ];
  return page(
    'Errors and exit codes',
    'Every mistake that a user can fix has a stable code, a message that says what was expected and what was found, and a\nhint that says what to do. In the library it is thrown as a `GraftError` with `code`, `message`, `hint` and `exitCode`; a\ncommand prints message and hint, or with `--json` the line `{"error": {"code": …, "message": …, "hint": …}}`, and exits\nwith the code below. `{name}` stands for what the message is about. Other errors, such as `OperatorError` and\n`DisposedTensorError`, are mistakes in a program and keep their stack trace.',
    '## Exit codes',
    table(
      ['Code', 'Meaning'],
      codes.map(([, code, meaning]) => [code, cell(meaning)]),
    ),
    areas.flatMap(([title, entries]) => [
      `## ${title}`,
      table(
        ['Code', 'Exit', 'Message', 'What to do'],
        Object.entries(entries).map(([code, { exit, message, hint }]) => [
          `\`${code}\``,
          String(core.exitCodes[exit]),
          cell(message),
          cell(hint),
        ]),
      ),
    ]),
  );
}

/**
 * What is read of a property's JSON Schema.
 * @typedef {{ type?: string, const?: string, enum?: string[], description?: string, default?: unknown,
 *   anyOf?: Property[], oneOf?: Property[], items?: Property, prefixItems?: Property[],
 *   properties?: Record<string, Property>, required?: string[], minimum?: number, exclusiveMinimum?: number,
 *   maximum?: number }} Property
 */

/** YAML's flow form. @param {unknown} value @returns {string} */
function show(value) {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${key}: ${show(one)}`)
      .join(', ')} }`;
  return value === '' ? "''" : String(value);
}

/** @param {Property} property @returns {string} */
function typeOf({ type, const: only, enum: names, anyOf, oneOf, items, prefixItems, ...limits }) {
  if (only !== undefined) return `\`${only}\``;
  if (names) return names.map((name) => `\`${name}\``).join(', ');
  const options = anyOf ?? oneOf;
  if (options) return [...new Set(options.map(typeOf))].join(' or ');
  if (type === 'array')
    return prefixItems ? `[${prefixItems.map(typeOf).join(', ')}]` : `list of ${typeOf(items ?? {})}`;
  if (type === 'string') return 'text';
  const { minimum, exclusiveMinimum, maximum = Number.MAX_SAFE_INTEGER } = limits;
  const range = [
    ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
    ...(minimum === undefined ? [] : [`≥ ${minimum}`]),
    ...(maximum === Number.MAX_SAFE_INTEGER ? [] : [`≤ ${maximum}`]),
  ];
  return [type === 'integer' ? 'whole number' : (type ?? 'any'), range.join(', ')].filter(Boolean).join(' ');
}

/** The objects that a property's value can be, in lists and unions too. @param {Property} property @returns {Property[]} */
const objectsIn = (property) =>
  property.properties
    ? [property]
    : [...(property.anyOf ?? property.oneOf ?? []), ...(property.items ? [property.items] : [])].flatMap(objectsIn);

/** A row for every key of an object and below. @param {Property} object @param {string} path @returns {string[][]} */
function rows({ properties = {}, required = [] }, path = '') {
  const kind = Object.values(properties).find((property) => property.const !== undefined)?.const;
  return Object.entries(properties).flatMap(([key, property]) => {
    const { type, items, default: value } = property;
    const { description = kind === undefined ? '' : `of kind \`${kind}\`` } = property;
    const name = `${path}${key}`;
    const nested = objectsIn(property).flatMap((object) => rows(object, `${name}${items ? '[]' : ''}.`));
    const initial =
      value !== undefined && show(value) !== '{  }' ? `\`${show(value)}\`` : required.includes(key) ? 'required' : '';
    // An object without a word or a value of its own is told by its keys.
    const own =
      type === 'object' && !description && !initial ? [] : [[`\`${name}\``, typeOf(property), initial, description]];
    return [...own, ...nested].map((row) => row.map(cell));
  });
}

function recipes() {
  const folder = new URL('recipes/', root);
  const listed = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const comments = listed.map((name) => {
    const lines = readFileSync(new URL(name, folder), 'utf8').split('\n');
    const comment = lines.slice(
      0,
      lines.findIndex((line) => !line.startsWith('#')),
    );
    return `### [${name}](../recipes/${name})\n\n\`\`\`text\n${comment.map((line) => line.replace(/^# ?/, '')).join('\n')}\n\`\`\``;
  });
  /** @param {z.ZodType} schema */
  const keys = (schema) => {
    const properties = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    const all = rows(/** @type {Property} */ (properties));
    // What a plan overrules has the keys of what it overrules.
    const listed = all.filter(([key]) => !/^`plans\[\]\.\w+\./.test(key));
    return table(['Key', 'Type', 'Default', 'Meaning'], listed);
  };
  return page(
    'Recipes',
    recipeIntroduction,
    '## The recipes that come with graft',
    comments,
    '## Every key of an adaptation',
    'A dot means an object inside, `[]` the entries of a list. A key without a default may be left out unless it is required;\nwhere a required key lies in an object that may be left out, it is required when the object is given.',
    keys(recipeSchema),
    '## Every key of a federation',
    keys(federationRecipeSchema),
    Object.values(networkFamilies).flatMap((family) => [
      `## Networks: ${family.title}`,
      `Sizes (\`network\` of an adaptation, \`model.architecture\` of a federation): ${family.sizes.map((size) => `\`${size}\``).join(', ')}.`,
      `Settings (in \`architecture\` of an adaptation, in \`model\` of a federation):`,
      keys(family.settings),
      `Training plans: ${Object.values(family.plans)
        .map(({ name, label }) => `\`${name}\` (${label})`)
        .join(', ')}. Options of their adapters (in \`adapter\` of a federation):`,
      keys(family.adapter),
    ]),
  );
}

const commands = () =>
  page(
    'Commands',
    [...helps].map(([command, text]) => `## ${command}\n\n\`\`\`text\n${text}\n\`\`\``),
  );

const pages = { 'errors.md': errors(), 'recipes.md': recipes(), 'commands.md': commands() };
for (const [name, text] of Object.entries(pages)) {
  const file = new URL(`docs/${name}`, root);
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (!existsSync(file) || text !== readFileSync(file, 'utf8')) {
    console.error(`docs/${name} does not match the code: run "npm run build && npm run docs"`);
    process.exitCode = 1;
  }
}
