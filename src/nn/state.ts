/** States: tensors by name, such as all of a network's or of an optimiser's, and what is done to them as a whole. */
import { noGrad, scope, type Tensor } from '../torch/index.js';

/** Tensors by their dotted names. */
export type State = Map<string, Tensor>;

/** Several states as one: names are PREFIX/NAME. Not copies. */
export const joinStates = (parts: Record<string, State>, separator = '/'): State =>
  new Map(
    Object.entries(parts).flatMap(([prefix, state]) =>
      [...state].map(([name, value]) => [prefix + separator + name, value] as const),
    ),
  );

/** The inverse, for one of the parts: the tensors whose names begin with the prefix, by the rest of the name. Not copies. */
export const partOf = (state: State, prefix: string): State =>
  new Map([...state].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])));

/** The tensors, or what stands for them, whose names a condition accepts. Not copies. */
export const pick = <Value>(state: ReadonlyMap<string, Value>, accepts: (name: string) => boolean) =>
  new Map([...state].filter(([name]) => accepts(name)));

/** Copies of the tensors, detached from the module they belong to; the caller owns them. */
export const copyState = (state: State): State =>
  scope(() => new Map([...state].map(([name, value]) => [name, value.detach().clone().keep()])));

/** Copies values by name; names that the target does not have are passed over. */
export function copyInto(target: State, source: State): void {
  noGrad(() => {
    for (const [name, value] of source) target.get(name)?.copy_(value);
  });
}

/** Frees every tensor. */
export function disposeState(state: State): void {
  for (const value of state.values()) value.dispose();
}

/** Number of elements in a set of tensors. */
export const countElements = (tensors: Iterable<Tensor>): number => {
  let count = 0;
  for (const value of tensors) count += value.size;
  return count;
};
