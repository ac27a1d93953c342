import { describe, expect, it } from 'vitest';
import { copyInto, copyState, countElements, disposeState, joinStates, partOf, pick } from '../../src/nn/index.js';
import { tensor } from '../../src/torch/index.js';

const stateOf = (values: Record<string, number[]>) =>
  new Map(Object.entries(values).map(([name, numbers]) => [name, tensor(numbers)]));

describe('states', () => {
  it('are joined under prefixes and parted again, without copies', () => {
    const [network, head] = [stateOf({ 'a.weight': [1], b: [2, 3] }), stateOf({ b: [4] })];
    const joined = joinStates({ network, head });
    expect([...joined.keys()]).toEqual(['network/a.weight', 'network/b', 'head/b']);
    expect(partOf(joined, 'network/')).toEqual(network);
    expect(partOf(joined, 'head/').get('b')).toBe(head.get('b'));
    expect([...joinStates({ head }, '.').keys()]).toEqual(['head.b']);
  });

  it('keep parts apart whose prefixes begin alike', () => {
    const joined = joinStates({ head: stateOf({ a: [1] }), head1: stateOf({ b: [2] }) });
    expect([...partOf(joined, 'head/').keys()]).toEqual(['a']);
    expect([...partOf(joined, 'head1/').keys()]).toEqual(['b']);
    expect(partOf(joined, 'tail/').size).toBe(0);
  });

  it('are picked from by name', () => {
    const state = stateOf({ a: [1], b: [2] });
    expect(pick(state, (name) => name === 'b')).toEqual(new Map([['b', state.get('b')]]));
  });

  it('are copied, and copied into by the names that both have', () => {
    const state = stateOf({ a: [1, 2], b: [3, 4] });
    const copy = copyState(state);
    copyInto(state, stateOf({ b: [5, 6], c: [7, 8] }));
    expect([...state].map(([name, value]) => [name, [...value.toArray()]])).toEqual([
      ['a', [1, 2]],
      ['b', [5, 6]],
    ]);
    expect([...copy.get('b')!.toArray()]).toEqual([3, 4]);
  });

  it('are counted and freed as a whole', () => {
    const state = stateOf({ a: [1, 2], b: [3] });
    expect(countElements(state.values())).toBe(3);
    disposeState(state);
    expect([...state.values()].map(({ disposed }) => disposed)).toEqual([true, true]);
  });
});
