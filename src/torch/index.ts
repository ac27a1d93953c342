/** Tensors, operators, gradients, devices and random numbers: libtorch for TypeScript. */
export * from './autograd.js';
export * from './create.js';
export type { ArrayOf, DType, TypedArray } from './dtype.js';
export * from './functional.js';
export { engineErrors } from './native.js';
export { type Argument, hasOperator, type Keywords, OperatorError } from './operators.js';
export * from './runtime.js';
export { DisposedTensorError, scope } from './scope.js';
export { operator, Tensor } from './tensor.js';
