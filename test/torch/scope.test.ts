/** Lifetimes: what scopes free, what outlives them, and what happens to a tensor used too late. */
import { describe, expect, it } from 'vitest';
import {
  DisposedTensorError,
  memoryStatistics,
  ones,
  operator,
  scope,
  Tensor,
  tensor,
  zeros,
} from '../../src/torch/index.js';

const live = () => memoryStatistics().tensors;

describe('scope', () => {
  it('frees what was made inside and gives back what the body returns', () => {
    const before = live();
    let inner: Tensor | undefined;
    const result = scope(() => {
      inner = ones([2]);
      return inner.add(1);
    });
    expect(inner?.disposed).toBe(true);
    expect([...result.toArray()]).toEqual([2, 2]);
    expect(live()).toBe(before + 1);
    result.dispose();
    expect(live()).toBe(before);
    expect(scope(() => ones([3]).sum().item())).toBe(3);
  });

  it('keeps tensors that are returned in arrays, maps and plain objects, at any depth', () => {
    const before = live();
    const [list, map, object] = scope(
      () => [[ones([1]), [ones([1])]], new Map([['a', ones([1])]]), { b: { c: ones([1]) }, d: 1, e: null }] as const,
    );
    const kept = [list[0] as Tensor, (list[1] as readonly Tensor[])[0], map.get('a') as Tensor, object.b.c];
    expect(kept.map((t) => t.item())).toEqual([1, 1, 1, 1]);
    for (const t of kept) t.dispose();
    expect(live()).toBe(before);
  });

  it('nested: what an inner scope returns belongs to the outer one', () => {
    const before = live();
    let passed: Tensor | undefined;
    scope(() => {
      passed = scope(() => ones([1]).add(1));
      expect(passed.item()).toBe(2);
      scope(() => passed);
      expect(passed.disposed).toBe(false);
    });
    expect(passed?.disposed).toBe(true);
    expect(live()).toBe(before);
  });

  it('a tensor made outside stays, also when it is used and returned inside', () => {
    const x = ones([1]);
    expect(scope(() => scope(() => x))).toBe(x);
    scope(() => x.add_(1));
    expect(x.item()).toBe(2);
  });

  it('a tensor that was kept outlives every scope; disposing inside a scope is fine', () => {
    const before = live();
    const kept = scope(() =>
      scope(() => {
        zeros([1]).dispose();
        const survivor = ones([1]).keep();
        return { get: () => survivor };
      }),
    ).get();
    expect(kept.item()).toBe(1);
    expect(live()).toBe(before + 1);
    expect(kept.keep()).toBe(kept);
    kept.dispose();
    kept.dispose();
    expect(live()).toBe(before);
  });

  it('an exception frees everything and the outer scope goes on', () => {
    const before = live();
    scope(() => {
      const outer = ones([1]);
      let lost: Tensor | undefined;
      expect(() =>
        scope(() => {
          lost = ones([1]);
          throw new Error('stop');
        }),
      ).toThrow('stop');
      expect(lost?.disposed).toBe(true);
      expect(outer.item()).toBe(1);
      expect(live()).toBe(before + 1);
      ones([1]);
    });
    expect(live()).toBe(before);
  });

  it('an operator that fails leaves nothing behind', () => {
    const before = live();
    scope(() => expect(() => ones([2]).matmul(ones([3]))).toThrow());
    expect(live()).toBe(before);
  });

  it('refuses an asynchronous body and frees what that made', () => {
    const before = live();
    expect(() => scope(async () => ones([1]))).toThrow(/synchronous/);
    expect(live()).toBe(before);
  });

  it('frees all results of an operator with several', () => {
    const before = live();
    scope(() => {
      expect(operator('aten::topk')(tensor([3, 1, 2]), 2)).toHaveLength(2);
    });
    expect(live()).toBe(before);
  });
});

describe('making a tensor outside every scope', () => {
  it('makes one, also where its elements are converted', () => {
    const before = live();
    const made = [tensor([1], undefined, { dtype: 'int64' }), tensor(new Uint8Array([1]), [1], { dtype: 'float32' })];
    expect(live()).toBe(before + 2);
    for (const t of made) t.dispose();
  });
});

describe('a disposed tensor', () => {
  it('says which one it was, whatever is asked of it', () => {
    const x = ones([2]);
    x.label = 'init_path.0.weight';
    x.dispose();
    const uses = [
      () => x.add(1),
      () => ones([2]).add(x),
      () => operator('aten::cat')([ones([2]), x]),
      () => x.toArray(),
      () => x.shareArray(),
      () => x.shape,
      () => x.item(),
      () => x.grad,
      () => x.backward(),
      () => x.add_(1),
    ];
    for (const use of uses) {
      expect(use).toThrow(DisposedTensorError);
      expect(use).toThrow(/'init_path\.0\.weight'/);
    }
    expect(String(x)).toMatch(/disposed/);
    expect(x.disposed).toBe(true);
  });

  it('names the operator where nobody gave a name', () => {
    const x = scope(() => ({ hidden: () => ones([1]).mul(2) })).hidden();
    x.dispose();
    expect(() => x.item()).toThrow(/aten::mul/);
  });

  it('never reaches the tensor that took its place', () => {
    const first = tensor([1]);
    const { handle } = first;
    first.dispose();
    const second = tensor([2]); // takes the slot that became free
    expect(second.handle).not.toBe(handle);
    expect(() => first.item()).toThrow(DisposedTensorError);
    expect(() => new Tensor(handle, 'stale')).toThrow(/disposed/);
    expect(second.item()).toBe(2);
  });

  it('using declarations dispose at the end of their block', () => {
    const before = live();
    {
      using x = ones([1]);
      expect(x.item()).toBe(1);
    }
    expect(live()).toBe(before);
  });
});
