/**
 * How the updates of a round lie to each other, as numbers: how far each site went in which layers, and whether it went
 * where the others did. Updates are differences from what all sites started from, so factors of adapters can be compared
 * as they are, whatever the aggregation makes of them.
 *
 * Nothing is read for it: what an aggregation reads is looked at on its way. Of each update are kept the norms of its
 * layers and a sketch (Charikar et al. 2002, https://doi.org/10.1016/S0304-3975(03)00400-6): numbers at places that are
 * alike modulo the sketch's length are added up under random signs. Products of sketches are those of the updates, with an
 * error of at most 1/√length of the norms; none where an update has no more numbers than its sketch.
 */
import { random } from '../../core/index.js';
import type { State } from '../../nn/index.js';
import { Generator, type Keywords, operator, scope, type Tensor, zeros } from '../../torch/index.js';
import type { AggregationInput, Contribution } from './aggregation.js';

export interface Agreement {
  /** Layers, or groups of them, by what their names begin with; 24 at most. */
  layers: string[];
  /** Frobenius norm of the mean update, weighted by the shares. */
  norm: number;
  /** In the order in which updates are combined. */
  sites: {
    site: string;
    /** Frobenius norms of what the site changed, by layer. */
    norms: number[];
    /** With the weighted mean of all other updates; null where one of the two is zero or there is no other. */
    cosine: number | null;
  }[];
  /** Cosines between sites, of the second with the first, the third with the first, with the second, …; null as above. Absent of many sites. */
  pairs?: (number | null)[] | undefined;
}

/** Sites of which all pairs are compared, at most. */
const FEW = 16;

const MOST_LAYERS = 24;

/** All sketches together take a quarter of an update; little where even a whole one is little. */
const SHARE = 1 / 4;
const LITTLE = 2 ** 15;

/** The most numbers of one sketch: an error below 1 %. */
const LONGEST = 2 ** 15;

const dot = operator('aten::dot') as (x: Tensor, y: Tensor) => Tensor;
const pad = operator('aten::constant_pad_nd') as (x: Tensor, padding: number[], value: number) => Tensor;
const randn = operator('aten::randn.generator') as (size: number[], options: Keywords) => Tensor;
const sign = operator('aten::sign') as (x: Tensor) => Tensor;
const product = (x: Tensor, y: Tensor): number => scope(() => dot(x, y).item());

/** Four digits are all that a reader sees, and keep the ledger short. */
const rounded = (value: number): number => Number(value.toPrecision(4));

/** Looks at updates while they are aggregated. */
export class WatchedUpdates implements Disposable {
  /** To be aggregated in place of those that were given. */
  readonly contributions: readonly Contribution[];
  readonly #global: State;
  readonly #layers: ReturnType<typeof groupsOf>;
  /** Where the tensors of an update begin, all in a row. */
  readonly #places: ReadonlyMap<string, { index: number; start: number }>;
  readonly #seen: Uint8Array;
  readonly #squares: Float64Array[];
  /** A row for each site, [K, length]. */
  readonly #sketches: Tensor;

  constructor({ contributions, global, names }: Pick<AggregationInput, 'contributions' | 'global' | 'names'>) {
    const count = contributions.length;
    this.#global = global;
    this.#layers = groupsOf(global);
    let start = 0;
    this.#places = new Map(
      names.map((name, index) => {
        const place = { index, start };
        start += global.get(name)!.size;
        return [name, place];
      }),
    );
    this.#seen = new Uint8Array(count * names.length);
    this.#squares = contributions.map(() => new Float64Array(this.#layers.names.length));
    const length = Math.min(LONGEST, Math.ceil(Math.max(LITTLE, SHARE * start) / count));
    this.#sketches = zeros([count, length | 1]).keep(); // odd, so that columns of a matrix do not fall on each other
    this.contributions = contributions.map((one, site) => ({
      ...one,
      read: (name) => {
        const value = one.read(name);
        if (value) this.#look(site, name, value);
        return value;
      },
    }));
  }

  #look(site: number, name: string, value: Tensor): void {
    const { index, start } = this.#places.get(name)!;
    const at = site * this.#places.size + index;
    if (this.#seen[at]) return;
    this.#seen[at] = 1;
    scope(() => {
      const update = value.sub(this.#global.get(name)!).reshape(-1);
      this.#squares[site][this.#layers.placeOf(name)] += scope(() => update.to('float64').norm().item()) ** 2;
      const [, length] = this.#sketches.shape;
      const signed = scope(() => folded(update, length + 2, 0).mul(signsFor(name, length + 2)))
        .reshape(-1)
        .narrow(0, 0, update.size);
      const sums = folded(signed, length, start % length).sum([0]); // [length]
      this.#sketches.narrow(0, site, 1).add_(sums);
    });
  }

  /** Of what was read; undefined where float32 cannot hold its differences or their sums, of which a ledger could not tell. */
  agreement(): Agreement | undefined {
    const { contributions } = this;
    const count = contributions.length;
    return scope(() => {
      const row = (site: number) => this.#sketches.narrow(0, site, 1).reshape(-1).to('float64');
      const mean = row(0).mul(contributions[0].weight);
      for (let k = 1; k < count; k++) scope(() => mean.add_(row(k).mul(contributions[k].weight)));
      const sites = contributions.map(({ site, weight }, k) => ({
        site,
        norms: Array.from(this.#squares[k], (square) => rounded(Math.sqrt(square))),
        cosine: scope(() => {
          const share = row(k).mul(weight);
          const others = mean.sub(share);
          // What is left of nothing is rounding.
          return others.norm().item() > 1e-6 * share.norm().item() ? cosine(share, others) : null;
        }),
      }));
      const between = (k: number) => Array.from({ length: k }, (_, j) => scope(() => cosine(row(k), row(j))));
      const pairs = contributions.flatMap((_, k) => (count <= FEW ? between(k) : []));
      const { names: layers } = this.#layers;
      const norm = rounded(mean.norm().item());
      if (![norm, ...sites.flatMap(({ norms }) => norms)].every(Number.isFinite)) return undefined;
      return { layers, norm, sites, ...(pairs.length > 0 && { pairs }) };
    });
  }

  [Symbol.dispose](): void {
    this.#sketches.dispose();
  }
}

function cosine(x: Tensor, y: Tensor): number | null {
  const size = Math.sqrt(product(x, x) * product(y, y));
  return size > 0 ? rounded(Math.max(-1, Math.min(1, product(x, y) / size))) : null;
}

/** Numbers in lines of a length, [·, length], after so many zeros. */
const folded = (x: Tensor, length: number, before: number): Tensor =>
  pad(x, [before, (length - ((before + x.size) % length)) % length], 0).reshape(-1, length);

/** −1 and 1, the same for a name at all sites. */
function signsFor(name: string, length: number): Tensor {
  using generator = new Generator(random(1, 'agreement', name).seed());
  return scope(() => sign(sign(randn([length], { generator })).add(0.5))); // 0 counts as positive
}

/** Names of a layer's tensors end in what they are to it: a factor of an adapter, a weight, a bias. */
const layerOf = (name: string): string => name.replace(/(^|\.)(lora_.*|[^.]*$)/, '');

const order = new Intl.Collator('en', { numeric: true });

/**
 * Layers under common beginnings of their names. All are one group at first, which is split level by level, those with
 * the most numbers first, as long as there are not too many.
 */
function groupsOf(state: State): { names: string[]; placeOf(name: string): number } {
  const sizes = new Map<string, number>();
  for (const [name, { size }] of state) sizes.set(layerOf(name), (sizes.get(layerOf(name)) ?? 0) + size);
  let groups = new Map([['', [...sizes.keys()].sort()]]);
  const sizeOf = (layers: readonly string[]) => layers.reduce((sum, layer) => sum + sizes.get(layer)!, 0);
  const deepest = Math.max(...[...sizes.keys()].map((layer) => layer.split('.').length));
  for (let depth = 1; depth <= deepest; depth++)
    for (const [name, layers] of [...groups].sort((a, b) => sizeOf(b[1]) - sizeOf(a[1]))) {
      const split = new Map<string, string[]>();
      for (const layer of layers) {
        const beginning = layer.split('.').slice(0, depth).join('.');
        split.set(beginning, [...(split.get(beginning) ?? []), layer]);
      }
      if (groups.size - 1 + split.size > MOST_LAYERS) continue;
      groups.delete(name);
      groups = new Map([...groups, ...split]);
    }
  const sorted = [...groups].sort(([a], [b]) => order.compare(a, b));
  const places = new Map(sorted.flatMap(([, layers], k) => layers.map((layer) => [layer, k] as const)));
  return { names: sorted.map(([name]) => name), placeOf: (name) => places.get(layerOf(name))! };
}
