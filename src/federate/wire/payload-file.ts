/**
 * A payload on the disk, not compressed, read tensor by tensor. The file is open only while a tensor is read, and
 * payloads whose tensors lie alike share one table of places: a thousand of them take next to no memory.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { Room } from '../../core/index.js';
import { openSafetensors } from '../../formats/index.js';
import type { Coded, WireFormat } from './format.js';
import { scaleRanges, scalesName } from './payload.js';

/** Bytes of a file: where they begin, and how many they are. */
type Range = readonly [start: number, length: number];

interface Place {
  shape: number[];
  data: Range;
  scales: Range;
}

/** Where the tensors lie, by name. */
type Places = ReadonlyMap<string, Place>;

/** What tensors are read into. */
const room = new Room();

export class PayloadFile {
  readonly #path: string;
  readonly #places: Places;

  /**
   * @param path of a payload that `decodePayload` accepts
   * @param known tables of places that other payloads have; a new one is added
   * @throws GraftError as `openSafetensors`
   */
  constructor(path: string, format: WireFormat, known: Map<string, Places>) {
    this.#path = path;
    const places = placesOf(path, format);
    const key = JSON.stringify([...places]);
    this.#places = known.get(key) ?? places;
    known.set(key, this.#places);
  }

  get names(): string[] {
    return [...this.#places.keys()];
  }

  /** The tensor as it travels, until the next one is read from any payload; undefined where there is none. */
  read(name: string): Coded | undefined {
    const place = this.#places.get(name);
    if (!place) return undefined;
    const { shape, data, scales } = place;
    const bytes = room.take(scales[1] + data[1]);
    const descriptor = openSync(this.#path, 'r');
    try {
      const at = fill(descriptor, scales, bytes, 0); // first: their elements must begin at even bytes
      fill(descriptor, data, bytes, at);
      return { shape: [...shape], scales: bytes.subarray(0, at), data: bytes.subarray(at) };
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Reads a range to a place in memory; gives where it ends there. */
function fill(descriptor: number, [start, length]: Range, bytes: Uint8Array, at: number): number {
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, at + done, Math.min(length - done, 2 ** 30), start + done);
    if (count === 0) throw new Error('a blob became shorter while it was read');
    done += count;
  }
  return at + length;
}

function placesOf(path: string, format: WireFormat): Places {
  using file = openSafetensors(path);
  const names = file.names.filter((name) => name !== scalesName);
  const shapes = new Map(names.map((name) => [name, file.info(name).shape]));
  const start = file.names.includes(scalesName) ? file.info(scalesName).offset : 0;
  return new Map(
    [...scaleRanges(shapes, format)].map(([name, [begin, end]]) => {
      const { shape, offset, length } = file.info(name);
      return [name, { shape, data: [offset, length], scales: [start + begin, end - begin] }];
    }),
  );
}
