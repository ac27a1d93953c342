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

/** What a scope is going to free: the tensors that still say that they are in it. */
class Scope {
  tensors: Held[] = [];
  /** How many of them are in it no longer. */
  gone = 0;
}

let current: Scope | undefined;

/** Room for the handles that a scope frees in one call. */
const handles = new Float64Array(512);

/** Native memory with a handle, and who frees it. */
export abstract class Held implements Disposable {
  #handle: number;
  /** The scope that frees it; outside every scope the finaliser does. */
  #scope: Scope | undefined;
  /** What the collector was told; the memory itself may be exchanged meanwhile. */
  #bytes = 0;
  /** A name for messages: the operator that made the tensor, or the parameter's path. */
  label: string;

  constructor(handle: number, label: string) {
    this.#handle = handle;
    this.label = label;
    this.#enter(current);
  }

  #enter(scope: Scope | undefined): void {
    this.#scope = scope;
    if (scope) scope.tensors.push(this);
    else this.#register();
  }

  /** A long scope does not hold on to what left it. */
  #leave(scope: Scope): void {
    this.#scope = undefined;
    const { tensors } = scope;
    if (++scope.gone < 64 || scope.gone < tensors.length / 2) return;
    scope.tensors = tensors.filter((tensor) => tensor.#scope === scope);
    scope.gone = 0;
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
    if (this.#scope) this.#leave(this.#scope);
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
    if (this.#scope) {
      this.#leave(this.#scope);
      this.#enter(undefined);
    }
    return this;
  }

  /** See `scope`. */
  static scope<T>(body: () => T): T {
    const outer = current;
    const made = new Scope();
    current = made;
    try {
      const result = body();
      if (result instanceof Promise) throw new TypeError('scope() takes a synchronous function');
      eachTensor(result, (tensor) => {
        if (tensor.#scope === made) tensor.#enter(outer);
      });
      return result;
    } finally {
      current = outer;
      Held.#free(made);
    }
  }

  static #free(scope: Scope): void {
    let count = 0;
    for (const tensor of scope.tensors) {
      if (tensor.#scope !== scope) continue;
      tensor.#scope = undefined;
      handles[count++] = tensor.#handle;
      tensor.#handle = 0;
      if (count < handles.length) continue;
      native().releaseAll(handles, count);
      count = 0;
    }
    if (count > 0) native().releaseAll(handles, count);
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
