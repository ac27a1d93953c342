/**
 * How much faster the aggregation `product-svd` is than decomposing the dense products, at the size of SAM's ViT-B with
 * rank 32 and six sites: `npm run build && OMP_NUM_THREADS=1 node bench/product-svd.mjs`.
 *
 * All 38 pairs of factors: 24 of 768→768 in the image encoder, 4 of 256→256 and 10 of 256→128 in the mask decoder. Both
 * ways start from the sites' float32 factors and work in float64; each layer is done by one and then by the other.
 */
import { aggregations, weightedMean } from '../dist/federate/index.js';
import { Generator, operator, scope, setThreads } from '../dist/torch/index.js';

setThreads(1);
const rank = 32;
const weights = [0.03, 0.18, 0.15, 0.1, 0.05, 0.49];
const layers = [...Array(24).fill([768, 768]), ...Array(4).fill([256, 256]), ...Array(10).fill([256, 128])];

const random = new Generator(1);
const randn = operator('aten::randn.generator');
const svd = operator('aten::linalg_svd');
/** @param {number} rows @param {number} columns @param {number} deviation */
const normal = (rows, columns, deviation) => randn([rows, columns], { generator: random }).mul(deviation);

/** What the reference does, but with a whole decomposition instead of a randomised one. */
const decomposed = (sites) => {
  let sum = sites[0].b.to('float64').matmul(sites[0].a.to('float64')).mul(sites[0].weight);
  for (const { weight, a, b } of sites.slice(1)) sum = sum.add(b.to('float64').matmul(a.to('float64')).mul(weight));
  const [u, s, vt] = svd(sum, false);
  return {
    b: u.narrow(1, 0, rank),
    a: s
      .narrow(0, 0, rank)
      .unsqueeze(1)
      .mul(vt.narrow(0, 0, rank)),
  };
};

/** Median of three, in processor time of this one thread: what else the machine does counts less. */
const time = (work) => {
  work();
  const times = Array.from({ length: 3 }, () => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return times.sort((x, y) => x - y)[1];
};

/** @type {Map<string, { count: number, thin: number, dense: number }>} by shape, in ms */
const shapes = new Map();
let worst = 0;
for (const [inputs, out] of layers)
  scope(() => {
    // Sites start from one pair, as in a round, and move away from it.
    const start = { a: normal(rank, inputs, inputs ** -0.5), b: normal(out, rank, 0.02) };
    const sites = weights.map((weight) => ({
      weight,
      a: start.a.add(normal(rank, inputs, 0.01)),
      b: start.b.add(normal(out, rank, 0.01)),
    }));
    const [a, b] = ['layer.lora_A', 'layer.lora_B'];
    const input = {
      contributions: sites.map(({ weight, ...site }, k) => ({
        site: String(k),
        weight,
        read: (name) => (name === a ? site.a : site.b),
      })),
      global: new Map(Object.entries({ [a]: start.a, [b]: start.b })),
      names: [a, b],
      combine: weightedMean,
      gauge: 'aligned',
    };
    const aggregate = () => aggregations['product-svd'].aggregate(input).tensors;
    const thin = time(() => scope(() => void aggregate()));
    const dense = time(() => scope(() => void decomposed(sites)));
    const shape = `${inputs}→${out}`;
    const sum = shapes.get(shape) ?? { count: 0, thin: 0, dense: 0 };
    shapes.set(shape, { count: sum.count + 1, thin: sum.thin + thin, dense: sum.dense + dense });
    const [tensors, want] = [aggregate(), decomposed(sites)];
    const product = want.b.matmul(want.a);
    const got = tensors.get(b).to('float64').matmul(tensors.get(a).to('float64'));
    worst = Math.max(worst, got.sub(product).norm().item() / product.norm().item());
  });

const line = (name, { count, thin, dense }) =>
  console.log(
    `${name.padEnd(10)} ${String(count).padStart(3)} layers   thin ${(thin / count).toFixed(1).padStart(5)} ms   ` +
      `dense ${(dense / count).toFixed(1).padStart(6)} ms   ${(dense / thin).toFixed(1).padStart(5)} times faster`,
  );
for (const [shape, sum] of shapes) line(shape, sum);
const all = [...shapes.values()].reduce((x, y) => ({
  count: x.count + y.count,
  thin: x.thin + y.thin,
  dense: x.dense + y.dense,
}));
line('all', all);
console.log(`products differ by at most ${worst.toExponential(1)}`);
