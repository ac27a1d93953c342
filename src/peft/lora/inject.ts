/** Attaching LoRA to attention and to other linear layers, found by the names in their paths. */
import { Linear, type Module } from '../../nn/index.js';
import { type AdapterPiece, type Attached, attach } from '../attached.js';
import { peftError } from '../errors.js';
import { type LoraConfig, loraSchema } from './config.js';
import { Lora, type LoraTarget } from './layer.js';

/**
 * Puts low-rank updates beside linear layers. On an attention module (children `qkv`, or `q_proj`, `k_proj` and
 * `v_proj`) the tensors have the reference code's names, `lora_w_a_q.0.weight`, `lora_w_b_q.0.weight`, `lora_scale`,
 * `dora_m_q`; on any other linear layer `lora_w_a.0.weight` and so on. Attach after the base weights are loaded: DoRA
 * starts from their norms.
 *
 * @param seed of the initial values
 * @throws GraftError ADAPTER_TARGET where a target names nothing here, ADAPTER_ATTACHED where an adapter is already
 */
export function attachLora(network: Module, config: LoraConfig = {}, seed = 0): Attached {
  return attach(network, loraPieces(network, config), seed);
}

/**
 * Low-rank updates of linear layers: LoRA (Hu et al. 2022) or DoRA (Liu et al. 2024). A plan's `adapter` gives them to
 * `applyPlan`, which puts them in. Load the base weights first: DoRA starts from their norms.
 *
 * @throws GraftError ADAPTER_TARGET where a target names nothing here
 */
export function loraPieces(network: Module, config: LoraConfig): AdapterPiece[] {
  const { targets, dropout = 0, ...rest } = loraSchema.parse(config);
  const modules = new Map(network.modules());
  const used = new Set<string>();
  const chosen = (path: string) => {
    const fitting = targets.filter((target) => fits(target, path));
    for (const target of fitting) used.add(target);
    return fitting.length > 0;
  };
  const pieces = [...modules].flatMap(([path, owner]): AdapterPiece[] => {
    const parts = owner instanceof Linear ? [whole(owner, '')] : attentionParts(path, modules);
    const adapted = parts.filter(({ suffix }) => chosen(suffix ? `${path}.${suffix.slice(1)}` : path));
    if (adapted.length === 0) return [];
    const slots = [...new Set(adapted.map(({ layer }) => layer))];
    return [{ path, owner, slots, adapter: new Lora(path, adapted, { dropout, ...rest }) }];
  });
  const unused = targets.find((target) => !used.has(target));
  if (unused !== undefined) {
    const linears = [...modules].filter(([, module]) => module instanceof Linear);
    const names = new Set(linears.map(([path]) => path.split('.').at(-1) as string));
    throw peftError('ADAPTER_TARGET', { target: unused, layers: [...names].join(', ') || 'nothing: there are none' });
  }
  return pieces;
}

const whole = (layer: Linear, suffix: string): LoraTarget => ({
  layer,
  suffix,
  start: 0,
  rows: layer.weight.shape[0],
});

/** What is called q, k and v of an attention module: its own layers, or thirds of a fused one. */
function attentionParts(path: string, modules: Map<string, Module>): LoraTarget[] {
  const child = (name: string) => {
    const found = modules.get(path ? `${path}.${name}` : name);
    return found instanceof Linear ? found : undefined;
  };
  const fused = child('qkv');
  return ['q', 'k', 'v'].flatMap((letter, i) => {
    const own = child(`${letter}_proj`);
    if (own) return [whole(own, `_${letter}`)];
    if (!fused) return [];
    const rows = fused.weight.shape[0] / 3;
    return [{ layer: fused, suffix: `_${letter}`, start: i * rows, rows }];
  });
}

/** Whether the target's last word is the path's and its other words occur before it, in their order. */
function fits(target: string, path: string): boolean {
  let words = path.split('.');
  const wanted = target.split('.');
  if (words.pop() !== wanted.pop()) return false;
  for (const word of wanted) {
    const at = words.indexOf(word);
    if (at < 0) return false;
    words = words.slice(at + 1);
  }
  return true;
}
