/**
 * Any ATen operator by name: arguments are arranged after the operator's schema, as in PyTorch. Positional arguments
 * come first, then one object of keyword arguments (`{ memoryFormat: 'channels_last' }`); element types and memory
 * formats are named by strings.
 */
import { GraftError } from '../core/index.js';
import { type DType, dtypeCode, dtypeName } from './dtype.js';
import { explain, native, type Schema } from './native.js';
import { Held } from './scope.js';

/** What an operator knows of a tensor. `tensor.ts` has the class that users see. */
export interface Handle {
  readonly handle: number;
}

export type Argument = Handle | number | bigint | boolean | string | null | undefined | readonly Argument[];
export type Keywords = { [name: string]: Argument };

/** An operator refused its arguments, or its kernel failed. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  /** As in ATen: `aten::add.Tensor`. */
  readonly operator: string;
  /** Element type and shape of every tensor among the arguments. */
  readonly shapes: string[];
  constructor(operator: string, shapes: string[], reason: string, cause?: unknown) {
    super(`${operator}(${shapes.join(', ')}): ${reason}`, { cause });
    this.operator = operator;
    this.shapes = shapes;
  }
}

const memoryFormats: Record<string, number> = { contiguous: 0, preserve: 1, channels_last: 2, channels_last_3d: 3 };

const isHandle = (value: unknown): value is Handle => typeof value === 'object' && value !== null && 'handle' in value;
const isKeywords = (value: unknown): value is Keywords =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isHandle(value);

/** @param name the argument's name in the schema */
function lower(value: Argument, name: string, operator: string): unknown {
  if (typeof value === 'number') return value;
  if (isHandle(value)) return value.handle;
  if (Array.isArray(value))
    return value.every((item) => typeof item === 'number') ? value : value.map((item) => lower(item, name, operator));
  if (typeof value === 'string' && (name === 'dtype' || name === 'memory_format')) {
    const code = name === 'dtype' ? dtypeCode(value as DType) : memoryFormats[value];
    if (code === undefined) throw new OperatorError(operator, [], `argument '${name}' cannot be '${value}'`);
    return code;
  }
  return value;
}

/** Generators are handles too, but have no shape. */
function tensorsIn(values: readonly unknown[]): Handle[] {
  return values.flatMap((value) => {
    if (isHandle(value)) return 'shape' in value ? [value] : [];
    return Array.isArray(value) ? tensorsIn(value) : [];
  });
}

/** `float32 [2, 3]`, for messages. */
export function describeHandle(handle: number): string {
  const [dtype, , ...shape] = native().describe(handle);
  return `${dtypeName(dtype)} [${shape.join(', ')}]`;
}

const schemas = new Map<string, Schema | null>();

function schemaOf(name: string): Schema | null {
  let schema = schemas.get(name);
  if (schema === undefined) {
    const [operator, overload = ''] = name.split('.');
    schema = native().resolve(operator, overload) ?? null;
    schemas.set(name, schema);
  }
  return schema;
}

/** Whether this libtorch has the operator, such as `aten::_fused_adam_`. */
export const hasOperator = (name: string): boolean => schemaOf(name) !== null;

/** As `schemaOf`. @throws OperatorError where this libtorch has no such operator */
export function knownSchema(name: string): Schema {
  const schema = schemaOf(name);
  if (!schema) throw new OperatorError(name, [], `libtorch ${native().version()} has no such operator`);
  return schema;
}

/**
 * Calls an operator.
 *
 * @param name `namespace::operator.overload`, as in ATen's schemas
 * @returns what the native call gives: handles for tensors; undefined for in-place operators
 * @throws OperatorError naming the operator and the shapes it was given
 */
export function callOperator(name: string, values: readonly (Argument | Keywords)[]): unknown {
  const schema = knownSchema(name);
  const last = values[values.length - 1];
  const keywords = !(last instanceof Held) && isKeywords(last) ? last : undefined;
  const count = keywords ? values.length - 1 : values.length;
  const lowered: unknown[] = [];
  for (let i = 0; i < count; i++) {
    const value = values[i] as Argument;
    // Most arguments are tensors, and the rest of the checks are not for them.
    if (value instanceof Held) {
      lowered.push(value.handle);
      continue;
    }
    const argument = schema.arguments[i];
    if (argument?.type === 'Tensor' && !isHandle(value))
      throw new OperatorError(name, [], `argument '${argument.name}' expects a tensor and was given ${typeof value}`);
    lowered.push(lower(value, argument?.name ?? '', name));
  }
  for (const key in keywords) {
    const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const position = schema.arguments.findIndex((argument) => argument.name === snake);
    if (position < 0) {
      const known = schema.arguments.map((argument) => argument.name).join(', ');
      throw new OperatorError(name, [], `has no argument '${snake}'; it has ${known}`);
    }
    lowered[position] = lower(keywords[key], snake, name);
  }
  try {
    return native().call(schema.id, ...lowered);
  } catch (thrown) {
    const error = explain(thrown);
    if (error instanceof GraftError) throw error;
    const given = keywords ? [...values.slice(0, count), ...Object.values(keywords)] : values;
    const shapes = tensorsIn(given).map(({ handle }) => describeHandle(handle));
    throw new OperatorError(name, shapes, (error as Error).message.split('\n')[0], error);
  }
}
