/**
 * TensorBoard's `Event` message in protocol buffers' wire format (`tensorboard/compat/proto/{event,summary}.proto`).
 *
 * Left out: every field that curves and pictures do not need; readers fill in the rest.
 */

export interface Picture {
  width: number;
  height: number;
  /** A PNG file's bytes. */
  png: Uint8Array;
}

export interface Event {
  /** In seconds since 1970. */
  wallTime: number;
  step: number;
  what:
    | { kind: 'version' }
    /** What earlier files hold from this step on is void. */
    | { kind: 'start' }
    | { kind: 'summary'; scalars?: Record<string, number>; pictures?: Record<string, Picture> };
}

/** The message's bytes, without framing. */
export function encodeEvent({ wallTime, step, what }: Event): Buffer {
  // A number that is 0 is left out, as protocol buffers have it.
  const head = [double(1, wallTime), ...(step === 0 ? [] : [integer(2, step)])];
  switch (what.kind) {
    case 'version':
      return Buffer.concat([...head, text(3, 'brain.Event:2')]);
    case 'start':
      return Buffer.concat([...head, message(7, integer(1, 1))]); // SessionLog.status: START
    default: {
      const scalars = Object.entries(what.scalars ?? {}).map(([tag, value]) =>
        message(1, text(1, tag), float(2, value)),
      );
      const pictures = Object.entries(what.pictures ?? {}).map(([tag, { width, height, png }]) => {
        const image = message(4, integer(1, height), integer(2, width), integer(3, 3), bytes(4, png)); // 3: RGB
        return message(1, text(1, tag), image);
      });
      return Buffer.concat([...head, message(5, ...scalars, ...pictures)]);
    }
  }
}

// Wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
const key = (field: number, wireType: number) => varint((field << 3) | wireType);

function varint(value: number): Buffer {
  const found: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) found.push((rest % 0x80) | 0x80);
  return Buffer.from([...found, rest]);
}

/** A whole number of at least 0. */
const integer = (field: number, value: number) => Buffer.concat([key(field, 0), varint(value)]);
const bytes = (field: number, value: Uint8Array) => Buffer.concat([key(field, 2), varint(value.length), value]);
const text = (field: number, value: string) => bytes(field, Buffer.from(value));
const message = (field: number, ...parts: Uint8Array[]) => bytes(field, Buffer.concat(parts));

function double(field: number, value: number): Buffer {
  const number = Buffer.alloc(8);
  number.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), number]);
}

function float(field: number, value: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeFloatLE(value);
  return Buffer.concat([key(field, 5), number]);
}
