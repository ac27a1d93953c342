/** Tensors: libtorch's, with PyTorch's methods in camelCase; `scope.ts` says how long they live. */
import type { Room } from '../core/index.js';
import { type ArrayOf, arrayOf, type DType, dtypeCode, dtypeName } from './dtype.js';
import { native } from './native.js';
import { type Argument, callOperator, describeHandle, type Keywords, knownSchema } from './operators.js';
import { Held } from './scope.js';

type Shape = readonly number[];

const both = (name: string): Overloads => [`${name}.Tensor`, `${name}.Scalar`];
/** Names of operators that take a tensor or a number. */
const overloads = {
  add: both('aten::add'),
  sub: both('aten::sub'),
  mul: both('aten::mul'),
  div: both('aten::div'),
  gt: both('aten::gt'),
  lt: both('aten::lt'),
  ge: both('aten::ge'),
  eq: both('aten::eq'),
  add_: both('aten::add_'),
  mul_: both('aten::mul_'),
};

/**
 * A tensor of libtorch's with PyTorch's methods in camelCase. Users make tensors with `tensor`, `zeros`, … and with operators;
 * the constructor takes over a handle. `scope`, `using` and `dispose` free its memory.
 */
export class Tensor extends Held {
  #description: ReturnType<ReturnType<typeof native>['describe']> | undefined;

  #describe() {
    this.#description ??= native().describe(this.handle);
    return this.#description;
  }
  get dtype(): DType {
    return dtypeName(this.#describe()[0]);
  }
  /** `cpu`, `cuda:0`, … */
  get device(): string {
    return this.#describe()[1];
  }
  get shape(): number[] {
    return this.#describe().slice(2) as number[];
  }
  get rank(): number {
    return this.#describe().length - 2;
  }
  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, n) => product * n, 1);
  }
  override toString(): string {
    return `${this.label}: ${this.disposed ? 'disposed' : describeHandle(this.handle)}`;
  }

  /** The elements in row-major order, copied. float16 and bfloat16 come as their bits. */
  toArray<T extends DType = 'float32'>(): ArrayOf<T> {
    return new (arrayOf(this.dtype))(native().toArrayBuffer(this.handle, true)) as ArrayOf<T>;
  }
  /** As `toArray`, but where the tensor is contiguous and on the CPU the array is the tensor's own memory. */
  shareArray<T extends DType = 'float32'>(): ArrayOf<T> {
    return new (arrayOf(this.dtype))(native().toArrayBuffer(this.handle, false)) as ArrayOf<T>;
  }
  /** The elements' bytes in row-major order, copied. @param room where to; default: new memory */
  toBytes(room?: Room): Uint8Array<ArrayBuffer> {
    if (!room) return new Uint8Array(native().toArrayBuffer(this.handle, true));
    const { dtype, shape } = this;
    const bytes = room.take(this.size * arrayOf(dtype).BYTES_PER_ELEMENT);
    using borrowing = new Tensor(native().fromArray(bytes, dtypeCode(dtype), shape, false), 'toBytes');
    using source = this.detach();
    borrowing.copy_(source);
    return bytes;
  }
  /** The only element as a number. */
  item(): number {
    return native().item(this.handle);
  }

  // Gradients ---------------------------------------------------------------------------------------------------------
  get requiresGrad(): boolean {
    return native().requiresGrad(this.handle);
  }
  set requiresGrad(value: boolean) {
    native().setRequiresGrad(this.handle, value);
  }
  /** The gradient that `backward` left here. */
  get grad(): Tensor | undefined {
    const handle = native().grad(this.handle);
    return handle === undefined ? undefined : new Tensor(handle, `gradient of ${this.label}`);
  }
  set grad(gradient: Tensor | undefined) {
    native().setGrad(this.handle, gradient?.handle);
  }
  /** Adds to the `grad` of every leaf that requires it. A gradient must be given unless this has one element. */
  backward(options: { gradient?: Tensor; retainGraph?: boolean } = {}): void {
    native().backward(this.handle, options.gradient?.handle, options.retainGraph ?? false);
  }
  detach(): Tensor {
    return one('aten::detach', this);
  }

  // Arithmetic, element by element, with broadcasting -------------------------------------------------------------------
  add(other: Tensor | number): Tensor {
    return one(overload(overloads.add, other), this, other);
  }
  sub(other: Tensor | number): Tensor {
    return one(overload(overloads.sub, other), this, other);
  }
  mul(other: Tensor | number): Tensor {
    return one(overload(overloads.mul, other), this, other);
  }
  div(other: Tensor | number): Tensor {
    return one(overload(overloads.div, other), this, other);
  }
  pow(exponent: number): Tensor {
    return one('aten::pow.Tensor_Scalar', this, exponent);
  }
  neg(): Tensor {
    return one('aten::neg', this);
  }
  abs(): Tensor {
    return one('aten::abs', this);
  }
  exp(): Tensor {
    return one('aten::exp', this);
  }
  log(): Tensor {
    return one('aten::log', this);
  }
  sqrt(): Tensor {
    return one('aten::sqrt', this);
  }
  sigmoid(): Tensor {
    return one('aten::sigmoid', this);
  }
  clamp(low: number | null, high: number | null): Tensor {
    return one('aten::clamp', this, low, high);
  }
  gt(other: Tensor | number): Tensor {
    return one(overload(overloads.gt, other), this, other);
  }
  lt(other: Tensor | number): Tensor {
    return one(overload(overloads.lt, other), this, other);
  }
  ge(other: Tensor | number): Tensor {
    return one(overload(overloads.ge, other), this, other);
  }
  eq(other: Tensor | number): Tensor {
    return one(overload(overloads.eq, other), this, other);
  }
  matmul(other: Tensor): Tensor {
    return one('aten::matmul', this, other);
  }

  // In place: the tensor itself is changed and returned -----------------------------------------------------------------
  add_(other: Tensor | number): Tensor {
    return into(overload(overloads.add_, other), this, other);
  }
  mul_(other: Tensor | number): Tensor {
    return into(overload(overloads.mul_, other), this, other);
  }
  copy_(source: Tensor): Tensor {
    return into('aten::copy_', this, source);
  }
  fill_(value: number): Tensor {
    return into('aten::fill_.Scalar', this, value);
  }
  zero_(): Tensor {
    return into('aten::zero_', this);
  }

  // Reductions; without dimensions over all elements --------------------------------------------------------------------
  sum(dim?: Shape, keepdim = false): Tensor {
    return dim ? one('aten::sum.dim_IntList', this, dim, keepdim) : one('aten::sum', this);
  }
  mean(dim?: Shape, keepdim = false): Tensor {
    return dim ? one('aten::mean.dim', this, dim, keepdim) : one('aten::mean', this);
  }
  max(): Tensor {
    return one('aten::max', this);
  }
  min(): Tensor {
    return one('aten::min', this);
  }
  argmax(dim: number, keepdim = false): Tensor {
    return one('aten::argmax', this, dim, keepdim);
  }
  /** Euclidean norm over all elements. */
  norm(): Tensor {
    return one('aten::linalg_vector_norm', this);
  }

  // Shape ---------------------------------------------------------------------------------------------------------------
  reshape(...shape: number[]): Tensor {
    return one('aten::reshape', this, shape);
  }
  /** Shares memory; the layout must allow it. */
  view(...shape: number[]): Tensor {
    return one('aten::view', this, shape);
  }
  permute(...dims: number[]): Tensor {
    return one('aten::permute', this, dims);
  }
  transpose(a: number, b: number): Tensor {
    return one('aten::transpose.int', this, a, b);
  }
  unsqueeze(dim: number): Tensor {
    return one('aten::unsqueeze', this, dim);
  }
  squeeze(dim: number): Tensor {
    return one('aten::squeeze.dim', this, dim);
  }
  expand(...shape: number[]): Tensor {
    return one('aten::expand', this, shape);
  }
  select(dim: number, index: number): Tensor {
    return one('aten::select.int', this, dim, index);
  }
  narrow(dim: number, start: number, length: number): Tensor {
    return one('aten::narrow', this, dim, start, length);
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    return one('aten::index_select', this, dim, index);
  }
  flip(...dims: number[]): Tensor {
    return one('aten::flip', this, dims);
  }
  contiguous(memoryFormat: 'contiguous' | 'channels_last' = 'contiguous'): Tensor {
    return one('aten::contiguous', this, { memoryFormat });
  }
  clone(): Tensor {
    return one('aten::clone', this);
  }

  /** Takes over the elements, type and device of another tensor (PyTorch's `.data = …`), as moving a module needs. */
  setData(source: Tensor): void {
    callOperator('aten::set_data', [this, source]);
    this.#description = undefined;
  }

  /** A copy with another element type or on another device; the tensor itself where nothing changes. */
  to(target: DType | { dtype?: DType; device?: string }): Tensor {
    const { dtype = this.dtype, device = this.device } = typeof target === 'string' ? { dtype: target } : target;
    if (dtype === this.dtype && device === this.device) return this;
    return one('aten::to.device', this, device, dtypeCode(dtype));
  }
}

type Overloads = readonly [ofTensor: string, ofNumber: string];
const overload = ([ofTensor, ofNumber]: Overloads, other: Tensor | number) =>
  typeof other === 'number' ? ofNumber : ofTensor;

/** Calls an operator that gives one new tensor. */
export function one(name: string, ...values: (Argument | Keywords)[]): Tensor {
  return new Tensor(callOperator(name, values) as number, name);
}

/** Calls an operator that changes its first argument. */
export function into(name: string, target: Tensor, ...values: (Argument | Keywords)[]): Tensor {
  callOperator(name, [target, ...values]);
  return target;
}

type Result = Tensor | number | boolean | string | undefined | Result[];

/**
 * Any ATen operator as a function, for all that has no method or function here.
 *
 * @example const cumsum = operator('aten::cumsum'); cumsum(x, 0)
 * @param name `namespace::operator.overload`
 * @returns a function of positional arguments and one optional object of keyword arguments
 */
export function operator(name: string): (...values: (Argument | Keywords)[]) => Result {
  return (...values) => {
    const result = callOperator(name, values);
    const schema = knownSchema(name);
    if (schema.inPlace) return values[0] as Tensor;
    const wrap = (value: unknown, type: string): Result => {
      if (Array.isArray(value)) return value.map((item) => wrap(item, type));
      return type.startsWith('Tensor') && typeof value === 'number' ? new Tensor(value, name) : (value as Result);
    };
    if (schema.returns.length === 1) return wrap(result, schema.returns[0]);
    return schema.returns.map((type, i) => wrap((result as unknown[])[i], type));
  };
}
