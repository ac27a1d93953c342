/**
 * A small thing to learn together: sites see inputs x and noisy y = x·(W + ΔW)ᵀ + c with a ΔW of low rank that they share in
 * part, and train factors B·A beside the frozen W, and the bias c, with Adam. All sites share one network.
 *
 * Plain JavaScript, and given the library, so that child processes run it on the compiled one.
 */

/** @typedef {typeof import('../../src/federate/index.js') & typeof import('../../src/nn/index.js') & typeof import('../../src/torch/index.js')} Graft */

const inputs = 12;
const out = 10;
const rank = 3;
export const [nameA, nameB, nameBias] = ['layer.lora_w_a_q.0.weight', 'layer.lora_w_b_q.0.weight', 'head.bias'];

/** @param {Graft} graft */
export function makeRegression(graft, { sites = ['a', 'b', 'c'], seed = 1, steps = 8, lr = 0.03, samples = 40 } = {}) {
  const { Adam, Generator, copyInto, copyState, fingerprint, noGrad, operator, scope, zeros } = graft;
  const randn = operator('aten::randn.generator');
  const generator = new Generator(seed);
  const normal = (rows, columns, deviation) => randn([rows, columns], { generator }).mul(deviation).keep();

  const frozen = normal(out, inputs, 0.3);
  const shared = { a: normal(rank, inputs, 0.5), b: normal(out, rank, 0.5) };
  const network = new Map([
    [nameA, normal(rank, inputs, inputs ** -0.5)],
    [nameB, zeros([out, rank]).keep()],
    [nameBias, zeros([out]).keep()],
  ]);
  for (const value of network.values()) value.requiresGrad = true;
  const initial = copyState(network);
  const plain = frozen.clone().keep();
  const corrected = new Set();
  const base = fingerprint(new Map([['weight', frozen]]));

  const forward = (x) => {
    const low = x.matmul(network.get(nameA).transpose(0, 1)).matmul(network.get(nameB).transpose(0, 1));
    return x.matmul(frozen.transpose(0, 1)).add(low).add(network.get(nameBias));
  };
  const error = (x, y) => forward(x).sub(y).pow(2).mean();
  const data = sites.map((_, k) => {
    const count = samples * (k + 1); // unbalanced
    const x = normal(count, inputs, 1);
    const own = shared.b.matmul(shared.a).add(normal(out, inputs, 0.05));
    const y = x
      .matmul(plain.add(own).transpose(0, 1))
      .add(0.7)
      .add(normal(count, out, 0.02))
      .keep();
    return { x, y, count };
  });

  /** Mean squared error over all sites, with what is loaded. */
  const loss = () =>
    noGrad(() => scope(() => data.reduce((sum, { x, y }) => sum + error(x, y).item(), 0) / data.length));

  const trainers = data.map(({ x, y, count }, k) => {
    const optimiser = new Adam(network, { lr });
    /** @type {import('../../src/federate/index.js').LocalTrainer<{ loss: number }>} */
    const trainer = {
      base,
      slices: count,
      cases: k + 1,
      load(tensors, local) {
        copyInto(network, initial);
        copyInto(network, tensors);
        noGrad(() => {
          for (const value of optimiser.state().values()) value.zero_();
        });
        if (local) copyInto(optimiser.state(), local);
      },
      correct(round, corrections) {
        if (corrected.has(round)) return;
        corrected.add(round);
        for (const { factors } of corrections) scope(() => noGrad(() => frozen.add_(factors.b.matmul(factors.a))));
      },
      async *train({ trains, proximal }, signal) {
        for (const [name, value] of network) value.requiresGrad = trains(name);
        let last = 0;
        for (let step = 0; step < steps && !signal.aborted; step++) {
          last = scope(() => {
            const value = error(x, y);
            optimiser.zeroGrad();
            value.backward();
            proximal?.addGradient(network);
            optimiser.step();
            return value.item();
          });
          await new Promise((resolve) => setImmediate(resolve));
          yield { loss: last };
        }
        return { loss: last };
      },
      travelling: () => network,
      localState: () => optimiser.state(),
    };
    return { name: sites[k], trainer };
  });
  return { sites: trainers, base, initial, network, loss, frozen };
}

/** Runs a federation to its end in a folder and tells how it ended. */
export async function runToEnd(graft, folder, config, options = {}) {
  const regression = makeRegression(graft, options);
  const { sites, base, initial, network, loss } = regression;
  const events = graft.runFederation({ folder, config, plan: 'lora', base, initial, sites });
  let result;
  for await (const event of events) {
    options.onEvent?.(event);
    if (event.kind !== 'finished') continue;
    graft.copyInto(network, event.global);
    result = { fingerprint: event.fingerprint, loss: loss(), weights: graft.fingerprint(regression.network) };
  }
  return { ...result, regression };
}
