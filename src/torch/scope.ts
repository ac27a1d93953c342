/**
 * The life of native memory, which the collector cannot see: `scope` frees what is made inside it, `dispose()` or `using`
 * free one tensor, and a finaliser frees the forgotten.
 */
import { native } from './native.js';

/** A tensor was used after `dispose()` or after its scope ended. */
export class DisposedTensorError extends Error {
  override readonly name = 'DisposedTensorError';
  constructor(label: string) {
    super(`The tensor '${label}' was used after it was disposed; return it from its scope() or keep() it.`);
  }
}

/** Frees what JavaScript forgot; only tensors outside every scope are registered, the others are freed by theirs. */
const forgotten = new FinalizationRegistry<{ handle: number; bytes: number }>(({ handle, bytes }) => {
  native().unweigh(bytes);
  native().release(handle);
});

let current: Set<Held> | undefined;

/** Native memory with a handle, and who frees it. */
export abstract class Held implements Disposable {
  #handle: number;
  /** The scope that frees it; outside every scope the finaliser does. */
  #scope: Set<Held> | undefined;
  /** What the collector was told; the memory itself may be exchanged meanwhile. */
  #bytes = 0;
  /** A name for messages: the operator that made the tensor, or the parameter's path. */
  label: string;

  constructor(handle: number, label: string) {
    this.#handle = handle;
    this.label = label;
    this.#enter(current);
  }

  #enter(scope: Set<Held> | undefined): void {
    this.#scope = scope;
    if (scope) scope.add(this);
    else this.#register();
  }

  #register(): void {
    this.#bytes = native().weigh(this.#handle);
    forgotten.register(this, { handle: this.#handle, bytes: this.#bytes }, this);
  }

  /** @throws DisposedTensorError */
  get handle(): number {
    if (this.#handle === 0) throw new DisposedTensorError(this.label);
    return this.#handle;
  }
  get disposed(): boolean {
    return this.#handle === 0;
  }

  dispose(): void {
    if (this.#handle === 0) return;
    if (this.#scope) this.#scope.delete(this);
    else {
      forgotten.unregister(this);
      native().unweigh(this.#bytes);
    }
    native().release(this.#handle);
    this.#handle = 0;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Lets the tensor outlive the scope it was made in; the finaliser is its net from now on. */
  keep(): this {
    if (this.#scope?.delete(this)) this.#enter(undefined);
    return this;
  }

  /** See `scope`. */
  static scope<T>(body: () => T): T {
    const outer = current;
    const made = new Set<Held>();
    current = made;
    try {
      const result = body();
      if (result instanceof Promise) throw new TypeError('scope() takes a synchronous function');
      eachTensor(result, (tensor) => {
        if (made.delete(tensor)) tensor.#enter(outer);
      });
      return result;
    } finally {
      current = outer;
      for (const tensor of made) tensor.dispose();
    }
  }
}

/** Visits every tensor in arrays, maps and plain objects. */
function eachTensor(value: unknown, visit: (tensor: Held) => void): void {
  if (value instanceof Held) visit(value);
  else if (Array.isArray(value)) for (const item of value) eachTensor(item, visit);
  else if (value instanceof Map) for (const item of value.values()) eachTensor(item, visit);
  else if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) eachTensor(item, visit);
}

/**
 * Runs `body` and frees every tensor made inside, but those it returns (alone or in arrays, maps and plain objects) and
 * those it `keep()`s. Scopes nest: what an inner scope returns belongs to the outer one.
 *
 * @throws TypeError where `body` is asynchronous: other tensors could be made while it waits
 */
export const scope = Held.scope;
