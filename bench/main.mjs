/**
 * The figures of graft's speed: `npm run bench`, `npm run bench -- --only flap-step,op-overhead --json --runs 9`; those of
 * federations take `--sites 3,30,300`. bench/README.md says what each measures. One line a figure: as text, or as JSON with `ratio` or `speedup`.
 */
import { parseArgs } from 'node:util';
import { torchVersion } from '../dist/torch/index.js';
import { figures } from './figures/index.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    runs: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    threads: { type: 'string', default: '2' },
    sites: { type: 'string' },
  },
});
const wanted = values.only?.split(',') ?? Object.keys(figures);
const unknown = wanted.filter((name) => !(name in figures));
if (unknown.length > 0) throw new Error(`no figure ${unknown}; there are ${Object.keys(figures).join(', ')}`);

const text = ({ figure, variant, ...rest }) =>
  [`${figure} ${variant}`.padEnd(40), ...Object.entries(rest).map(([key, value]) => `${key} ${format(value)}`)].join(
    '  ',
  );
const format = (value) => (Array.isArray(value) ? value.join('–') : value);

const machine = { torch: torchVersion(), threads: Number(values.threads) };
const { runs, sites, python } = values;
const options = {
  ...{ python, threads: machine.threads },
  ...(runs && { runs: Number(runs) }),
  ...(sites && { sites: sites.split(',').map(Number) }),
};
for (const name of wanted) {
  for await (const row of figures[name](options)) {
    const line = { figure: name, ...row };
    console.log(values.json ? JSON.stringify({ ...line, ...machine }) : text(line));
  }
}
