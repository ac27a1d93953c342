/**
 * A frozen base network with at most one adapter in use. Adapters come and go without the base being loaded again, and
 * each names the base that it belongs to by its fingerprint.
 */
import { errorsOf } from '../core/index.js';
import type { Tensor } from '../torch/index.js';
import type { Module } from './module.js';
import { copyInto, copyState, disposeState, pick, type State } from './state.js';
import { fingerprint } from './state-file.js';

export const baseErrors = {
  ADAPTER_OTHER_BASE: {
    exit: 'model',
    message: '{file}: was made for the base model {expected}, but the model here is {found}.',
    hint: 'Load the model that the adapter was trained beside (its fingerprint is in the adapter and in run.json).',
  },
  START_UNSUITED: {
    exit: 'usage',
    message: '{file}: cannot be the start, since it does not hold what is trained here: {problem}.',
    hint: 'Ask for the method or plan, the blocks and the rank that it was made with; its metadata say them.',
  },
  ADAPTER_NONE: {
    exit: 'usage',
    message: 'There is no adapter to merge: none is in use, or it was merged already.',
    hint: 'Put an adapter to use first; to merge again, load the base model anew.',
  },
} as const;
const baseError = errorsOf(baseErrors);

/** What is attached to the network while an adapter is in use. */
interface Attachment {
  detach(): void;
  merge(): void;
}

/** Values that belong beside one base. */
export interface AdapterValues {
  /** Of the file or target, for messages. */
  name: string;
  /** Fingerprint of the base it belongs to. */
  base: string;
  /** By the network's names with the adapter attached. */
  state: State;
}

const otherBase = ({ name, base }: AdapterValues, found: string) =>
  baseError('ADAPTER_OTHER_BASE', { file: name, expected: base.slice(0, 12), found: found.slice(0, 12) });

/**
 * Copies an adapter's values into the tensors that are to be trained further.
 *
 * @param held all that an adapter of this training holds, beside the base
 * @param base fingerprint of the network without an adapter
 * @throws GraftError ADAPTER_OTHER_BASE, START_UNSUITED
 */
export function startFrom(held: State, adapter: AdapterValues, base: string): void {
  const { name: file, state } = adapter;
  if (adapter.base !== base) throw otherBase(adapter, base);
  const shapeOf = (value: Tensor | undefined) => value && `[${value.shape.join(', ')}]`;
  const differing = [...new Set([...held.keys(), ...state.keys()])].find(
    (name) => shapeOf(held.get(name)) !== shapeOf(state.get(name)),
  );
  if (differing !== undefined) {
    const [wanted, found] = [held, state].map((one) => shapeOf(one.get(differing)) ?? 'nothing');
    throw baseError('START_UNSUITED', { file, problem: `${differing} is ${found} there and ${wanted} here` });
  }
  copyInto(held, state);
}

export class Base {
  readonly #network: Module;
  #fingerprint: string | undefined;
  #inUse: { replaced: State; attached: Attachment | undefined } | undefined;

  constructor(network: Module) {
    this.#network = network;
  }

  /** Identifies the network's weights. */
  get fingerprint(): string {
    if (this.#inUse) throw new Error('the fingerprint is asked for while an adapter is in use');
    this.#fingerprint ??= fingerprint(this.#network.state());
    return this.#fingerprint;
  }

  /** To be called after the network's weights were changed for good. */
  changed(): void {
    this.#fingerprint = undefined;
  }

  /**
   * Puts an adapter to use in place of the one in use. After an error none is.
   *
   * @param attach makes the places in the network that the values are loaded into
   * @throws GraftError ADAPTER_OTHER_BASE, and as `Module.loadState`
   */
  use(adapter: AdapterValues, attach: () => Attachment | undefined): void {
    this.clear();
    if (adapter.base !== this.fingerprint) throw otherBase(adapter, this.fingerprint);
    const own = this.#network.state();
    const replaced = copyState(pick(own, (name) => adapter.state.has(name)));
    let attached: Attachment | undefined;
    try {
      attached = attach();
      this.#network.loadState(adapter.state, { file: adapter.name, partial: true });
    } catch (error) {
      attached?.detach();
      disposeState(replaced);
      throw error;
    }
    this.#inUse = { replaced, attached };
  }

  /** Takes the adapter in use out: the base is as it was. */
  clear(): void {
    if (!this.#inUse) return;
    const { attached, replaced } = this.#inUse;
    attached?.detach();
    this.#network.loadState(replaced, { partial: true });
    disposeState(replaced);
    this.#inUse = undefined;
  }

  /**
   * Makes the adapter in use part of the base for good.
   * @throws GraftError ADAPTER_NONE
   */
  merge(): void {
    if (!this.#inUse) throw baseError('ADAPTER_NONE', {});
    this.#inUse.attached?.merge();
    disposeState(this.#inUse.replaced);
    this.#inUse = undefined;
    this.changed();
  }
}
