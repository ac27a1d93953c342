/**
 * Modules: a tree of named parameters, buffers and children, as PyTorch's `nn.Module`. A class declares its parts with
 * `parameter`, `buffer` and `child`, whose first argument is the name in state dictionaries (the reference code's).
 */
import { errorsOf } from '../core/index.js';
import { noGrad, scope, type Tensor, tensor } from '../torch/index.js';
import { someNames } from './names.js';
import { disposeState, pick, type State } from './state.js';

export const stateErrors = {
  STATE_MISSING: {
    exit: 'model',
    message: '{file}: has no tensor {name} ({shape}), which this network needs; {missing} of {total} are missing.',
    hint: 'The file belongs to another network. Check the architecture (filters, channels) it was made with.',
  },
  STATE_SHAPE: {
    exit: 'model',
    message: '{file}: {name} has shape {found}; this network expects {expected}.',
    hint: 'The file belongs to another network. Check the architecture (filters, channels) it was made with.',
  },
  STATE_UNEXPECTED: {
    exit: 'model',
    message: '{file}: holds {name} ({shape}), which this network does not have.',
    hint: 'The file belongs to another network. Check the architecture (filters, channels) it was made with.',
  },
  STATE_NAMES: {
    exit: 'model',
    message: '{file}: its names are not this network’s: expected {expected}; found {found}.',
    hint: 'The file belongs to another network, or its names were changed when it was saved. Rename its tensors.',
  },
} as const;
const stateError = errorsOf(stateErrors);

const shapeText = (shape: readonly number[]) => `[${shape.join(', ')}]`;

/**
 * A part of a network: a tree of named parameters, buffers and children, as PyTorch's `nn.Module`. A class declares its parts
 * with `parameter`, `buffer` and `child`. Parameters start frozen. `dispose` frees all tensors of the tree.
 */
export abstract class Module {
  readonly #parameters = new Map<string, Tensor>();
  readonly #buffers = new Map<string, Tensor>();
  readonly #children = new Map<string, Module>();

  /** Declares a tensor that training may change. It starts frozen unless `train` says so. */
  parameter(name: string, value: Tensor): Tensor {
    this.#parameters.set(name, value.keep());
    value.label = name;
    return value;
  }
  /** Declares a tensor that belongs to the state but is never trained. */
  buffer(name: string, value: Tensor): Tensor {
    this.#buffers.set(name, value.keep());
    value.label = name;
    return value;
  }
  child<M extends Module>(name: string, module: M): M {
    this.#children.set(name, module);
    return module;
  }
  /** Takes another module's own parameters in under their names, beside this module's. */
  adopt(other: Module): void {
    for (const [name, value] of other.#parameters) this.#parameters.set(name, value);
  }
  /** Gives adopted parameters up again and frees them. */
  release(other: Module): void {
    for (const name of other.#parameters.keys()) this.#parameters.delete(name);
    other.dispose();
  }

  /** Fills the module's own parameters with their initial values; `initialiseModule` does it for a whole tree. */
  reset(_random: Initialiser): void {}

  /** This module and all below it with their paths, parents first. */
  *modules(path = ''): Generator<[path: string, module: Module]> {
    yield [path, this];
    for (const [name, child] of this.#children) yield* child.modules(path ? `${path}.${name}` : name);
  }
  *#tensors(kind: (module: Module) => Map<string, Tensor>): Generator<[string, Tensor]> {
    for (const [path, module] of this.modules())
      for (const [name, value] of kind(module)) yield [path ? `${path}.${name}` : name, value];
  }
  parameters(): State {
    return new Map(this.#tensors((module) => module.#parameters));
  }
  buffers(): State {
    return new Map(this.#tensors((module) => module.#buffers));
  }
  /** Parameters and buffers; the module's own tensors, not copies. */
  state(): State {
    return new Map([...this.parameters(), ...this.buffers()]);
  }

  /**
   * Copies values in by name.
   *
   * @param from names and shapes must fit; element types are converted
   * @param options.file named in errors
   * @param options.partial names may be missing
   * @throws GraftError STATE_MISSING, STATE_SHAPE, STATE_UNEXPECTED, naming the first that does not fit; STATE_NAMES where
   *   names are missing and others are there
   */
  loadState(from: State, { file = 'the state', partial = false } = {}): void {
    const own = this.state();
    // PyTorch counts batches in its normalisation layers; nothing here depends on the count.
    const given = pick(from, (name) => !/(^|\.)num_batches_tracked$/.test(name));
    const absent = [...own].filter(([name]) => !from.has(name));
    const strange = [...given.keys()].filter((name) => !own.has(name));
    if (absent.length > 0 && strange.length > 0 && !partial)
      throw stateError('STATE_NAMES', {
        ...{ file, expected: someNames(absent.map(([name]) => name)), found: someNames(strange) },
      });
    for (const [name, value] of given) {
      const target = own.get(name);
      if (!target) throw stateError('STATE_UNEXPECTED', { file, name, shape: shapeText(value.shape) });
      const [found, expected] = [shapeText(value.shape), shapeText(target.shape)];
      if (found !== expected) throw stateError('STATE_SHAPE', { file, name, found, expected });
    }
    if (absent.length > 0 && !partial) {
      const [name, { shape }] = absent[0];
      const counts = { missing: absent.length, total: own.size };
      throw stateError('STATE_MISSING', { file, name, shape: shapeText(shape), ...counts });
    }
    noGrad(() => {
      for (const [name, value] of given) own.get(name)?.copy_(value);
    });
  }

  /**
   * Moves every parameter and buffer to a device, such as `cuda:0`, and lays out the weights of convolutions. With the
   * channels last libtorch's kernels are faster, on the CPU by a third for the U-Net; results differ by rounding.
   */
  to(device: string, memoryFormat: 'contiguous' | 'channels_last' = 'contiguous'): void {
    scope(() => {
      for (const value of this.state().values()) {
        const moved = value.to({ device });
        value.setData(value.rank === 4 ? moved.contiguous(memoryFormat) : moved);
      }
    });
  }

  dispose(): void {
    disposeState(this.state());
  }
}

/** Draws initial values; PyTorch's defaults for linear and convolutional layers. */
export interface Initialiser {
  /** Uniform in [-bound, bound], in place. */
  uniform(target: Tensor, bound: number): void;
  /** Normal with mean 0, in place. */
  normal(target: Tensor, deviation: number): void;
}

/** A one-element tensor, for counters in states. */
export const scalar = (value: number): Tensor => tensor([value], []);
