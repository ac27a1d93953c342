/**
 * A pickle machine that runs nothing: it builds plain values, and whatever the pickle names or calls is looked up by
 * its caller (`PickleWorld`). Instructions of the protocols 0-5 that `torch.save` writes (CPython
 * `Lib/pickletools.py`); left out are text persistent ids, `INST`, `OBJ`, extension codes and out-of-band buffers.
 *
 * Work is bounded: each instruction pays from a budget in proportion to the pickle's length, so a small file can
 * neither run long nor fill the memory.
 */
import { type Damaged, PickleReader } from './pickle-reader.js';
import { kindOf, PthGlobal, type PthValue, type Spend } from './pth-value.js';

export interface PickleWorld {
  damaged: Damaged;
  forbidden(found: string): Error;
  tooLarge(expected: string, found: string): Error;
  /** What stands for `module.name`; throws where it is not understood. */
  global(name: string): PthValue;
  /** Takes in what is set on a value that was made, or throws where it is not understood. */
  state(of: PthValue, state: PthValue): void;
  /** What the persistent id stands for. */
  persistent(id: PthValue): PthValue;
}

/**
 * The dearest pickle, in instructions; making an object counts as `objectCost`, a line of digits or letters as `lineCost`
 * and as its characters. A tensor takes about a hundred, so ten thousand of them with their optimiser's state fit.
 */
const workLimit = 4_000_000;
export const objectCost = 8;
const lineCost = 8;

/**
 * Reads one pickle that begins at `start`; `end` is the place behind it.
 *
 * @throws Error of the world's `damaged`, `forbidden`, `tooLarge`
 */
export function unpickle(bytes: Uint8Array, start: number, world: PickleWorld): { value: PthValue; end: number } {
  const reader = new PickleReader(bytes, start, world.damaged);
  const stack: PthValue[] = [];
  const marks: number[] = [];
  const memo = new Map<number, PthValue>();

  let work = Math.min(workLimit, 16 * (bytes.length - start) + 1000);
  const spend: Spend = (items) => {
    work -= items;
    if (work < 0) throw world.tooLarge('a pickle that describes tensors', 'one that asks for far more work');
  };
  const made = <T extends PthValue>(value: T): T => {
    spend(objectCost);
    return value;
  };

  /** A number or text that stands on a line of its own, as protocol 0 writes them. */
  const line = <T>(read: () => T): T => {
    const begin = reader.at;
    spend(lineCost);
    const value = read();
    spend(reader.at - begin);
    return value;
  };

  const push = (value: PthValue) => stack.push(value);
  const pop = (): PthValue => {
    if (stack.length <= (marks.at(-1) ?? 0)) throw world.damaged('a value on the stack', 'none');
    return stack.pop()!;
  };
  const popMark = (): PthValue[] => {
    const mark = marks.pop();
    if (mark === undefined) throw world.damaged('a mark on the stack', 'none');
    return stack.splice(mark);
  };
  const top = (): PthValue => {
    if (stack.length <= (marks.at(-1) ?? 0)) throw world.damaged('a value on the stack', 'none');
    return stack.at(-1)!;
  };
  const recall = (key: number | bigint) => {
    const value = memo.get(Number(key));
    if (value === undefined) throw world.damaged('a value in the memo', `none at ${key}`);
    push(value);
  };
  const text = (value: PthValue): string => {
    if (typeof value !== 'string') throw world.damaged('a text', kindOf(value));
    return value;
  };
  const tuple = (length: number) => {
    const items = Array.from({ length }, pop).reverse();
    push(made(items));
  };
  const append = (items: PthValue[]) => {
    const list = top();
    if (!Array.isArray(list)) throw world.damaged('a list to append to', kindOf(list));
    for (const item of items) list.push(item);
  };
  const setItems = (items: PthValue[]) => {
    const dict = top();
    if (!(dict instanceof Map)) throw world.damaged('a dict to put items into', kindOf(dict));
    fill(dict, items);
  };
  const fill = (dict: Map<PthValue, PthValue>, items: PthValue[]) => {
    if (items.length % 2) throw world.damaged('pairs of key and value', `${items.length} items`);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
    return dict;
  };
  const call = () => {
    const args = pop();
    const callee = pop();
    if (!(callee instanceof PthGlobal) || !callee.call) throw world.forbidden(`a call of ${kindOf(callee)}`);
    if (!Array.isArray(args)) throw world.damaged(`a tuple of arguments for ${callee.name}`, kindOf(args));
    if (args.length > 16) throw world.damaged(`few arguments for ${callee.name}`, args.length);
    push(made(callee.call(spend, ...args)));
  };
  const build = () => {
    const state = pop();
    world.state(top(), state);
  };

  for (;;) {
    spend(1);
    const code = reader.uint8();
    switch (code) {
      case 0x80: // PROTO
        if (reader.uint8() > 5) throw world.damaged('pickle protocol 0 to 5', 'a later one');
        break;
      case 0x95: // FRAME
        reader.uint64();
        break;
      case 0x2e: // STOP
        return { value: pop(), end: reader.at };

      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x30: // POP
        if (marks.at(-1) === stack.length) marks.pop();
        else pop();
        break;
      case 0x31: // POP_MARK
        popMark();
        break;
      case 0x32: // DUP
        push(top());
        break;
      case 0x67: // GET
        recall(line(reader.digits));
        break;
      case 0x68: // BINGET
        recall(reader.uint8());
        break;
      case 0x6a: // LONG_BINGET
        recall(reader.uint32());
        break;
      case 0x70: // PUT
        memo.set(Number(line(reader.digits)), top());
        break;
      case 0x71: // BINPUT
        memo.set(reader.uint8(), top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(reader.uint32(), top());
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, top());
        break;

      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
        push(true);
        break;
      case 0x89: // NEWFALSE
        push(false);
        break;
      case 0x49: {
        // INT: 00 and 01 are protocol 0's truth values.
        const begin = reader.at;
        const value = line(reader.digits);
        push(bytes[begin] === 0x30 && reader.at - begin === 3 ? value === 1 : value);
        break;
      }
      case 0x4c: // LONG
        push(line(reader.digits));
        break;
      case 0x4a: // BININT
        push(reader.int32());
        break;
      case 0x4b: // BININT1
        push(reader.uint8());
        break;
      case 0x4d: // BININT2
        push(reader.uint16());
        break;
      case 0x8a: // LONG1
        push(reader.long(reader.uint8()));
        break;
      case 0x8b: // LONG4
        push(reader.long(reader.uint32()));
        break;
      case 0x46: // FLOAT
        push(Number(line(reader.line).replace('inf', 'Infinity')));
        break;
      case 0x47: // BINFLOAT
        push(reader.float64());
        break;

      case 0x56: // UNICODE
        push(
          line(reader.line).replace(/\\u([\da-f]{4})/gi, (_, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          ),
        );
        break;
      case 0x55: // SHORT_BINSTRING: a text of Python 2
        push(reader.text(reader.uint8()));
        break;
      case 0x54: // BINSTRING
        push(reader.text(reader.uint32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        push(reader.text(reader.uint8()));
        break;
      case 0x58: // BINUNICODE
        push(reader.text(reader.uint32()));
        break;
      case 0x8d: // BINUNICODE8
        push(reader.text(reader.uint64()));
        break;
      case 0x43: // SHORT_BINBYTES
        push(made(reader.bytes(reader.uint8())));
        break;
      case 0x42: // BINBYTES
        push(made(reader.bytes(reader.uint32())));
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        push(made(reader.bytes(reader.uint64())));
        break;

      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        push(made([]));
        break;
      case 0x6c: // LIST
      case 0x74: // TUPLE
        push(made(popMark()));
        break;
      case 0x85: // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87:
        tuple(code - 0x84);
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
        append(popMark());
        break;
      case 0x7d: // EMPTY_DICT
        push(made(new Map()));
        break;
      case 0x64: // DICT
        push(fill(made(new Map()), popMark()));
        break;
      case 0x73: // SETITEM
        setItems([pop(), pop()].reverse());
        break;
      case 0x75: // SETITEMS
        setItems(popMark());
        break;
      case 0x8f: // EMPTY_SET
        push(made(new Set()));
        break;
      case 0x91: // FROZENSET
        push(made(new Set(popMark())));
        break;
      case 0x90: {
        // ADDITEMS
        const items = popMark();
        const set = top();
        if (!(set instanceof Set)) throw world.damaged('a set to add to', kindOf(set));
        for (const item of items) set.add(item);
        break;
      }

      case 0x63: // GLOBAL
        push(world.global(`${line(reader.line)}.${line(reader.line)}`));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = text(pop());
        push(world.global(`${text(pop())}.${name}`));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ: for the few classes understood, the same as calling them
        call();
        break;
      case 0x62: // BUILD
        build();
        break;
      case 0x51: // BINPERSID
        push(made(world.persistent(pop())));
        break;
      default:
        throw world.damaged('a pickle instruction that torch.save writes', `0x${code.toString(16).padStart(2, '0')}`);
    }
  }
}
