/** Event files byte by byte: as TensorFlow's checksum, framing and messages have them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Event, encodeEvent } from '../../src/tracking/event.js';
import { scalarsOf } from '../../src/tracking/scalars.js';
import { crc32c, frameRecord } from '../../src/tracking/tfrecord.js';
import { records } from './event-files.js';

describe('CRC-32C', () => {
  it('is that of RFC 3720, appendix B.4', () => {
    const descending = Uint8Array.from({ length: 32 }, (_, i) => 31 - i);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(descending.toReversed())).toBe(0x46dd794e);
    expect(crc32c(descending)).toBe(0x113fdb5c);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
});

describe('a record', () => {
  it('is read back by a reader of its own, and a changed bit is noticed', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1 }), fc.nat(), (contents, place) => {
        const file = Buffer.concat(contents.map(frameRecord));
        expect(records(file).map((record) => [...record])).toEqual(contents.map((content) => [...content]));
        file[place % file.length] ^= 1;
        expect(() => records(file)).toThrow();
      }),
    );
  });
});

/** What TensorBoard's own writer (tensorboard 2.21, `RecordWriter` and `event_pb2`) makes of the same events. */
const golden: [Event['what'], step: number, bytes: string][] = [
  [{ kind: 'version' }, 0, '1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c'],
  [{ kind: 'start' }, 300, '100000000000000095fbfe1809000000000000f83f10ac023a020801713b788a'],
  [
    { kind: 'summary', scalars: { loss: 0.25, dice: -1.5 } },
    300,
    '2800000000000000ff70164a09000000000000f83f10ac022a1a0a0b0a046c6f7373150000803e0a0b0a0464696365150000c0bf6db3b2eb',
  ],
  [
    { kind: 'summary', pictures: { 'best/axial': { height: 200, width: 3, png: Uint8Array.of(1, 2, 3) } } },
    2,
    '290000000000000037ff5f0009000000000000f83f10022a1c0a1a0a0a626573742f617869616c220c08c801100318032203010203765f8d73',
  ],
];

describe('an event', () => {
  it.each(golden)('%o has the bytes that TensorBoard writes', (what, step, bytes) => {
    expect(frameRecord(encodeEvent({ wallTime: 1.5, step, what })).toString('hex')).toBe(bytes);
  });
});

describe('a record of the log', () => {
  it('of an epoch, a round, an update or a look becomes numbers at a step of a series', () => {
    const epoch = { kind: 'epoch', time: 7, seed: 1, task: 'network', epoch: 0, values: { loss: 0.5, dice: 0.25 } };
    expect(scalarsOf(epoch)).toEqual({ series: ['seed1', 'network'], step: 1, time: 7, values: epoch.values });

    const task = { seed: 2, plan: 'flap-sam', regime: 'federated', site: null };
    const round = { ...task, kind: 'round', round: 3, values: { dice: 0.5 }, down: 10, up: 20, weights: { a: 1 } };
    expect(scalarsOf(round)).toMatchObject({
      ...{ series: ['seed2', 'flap-sam', 'federated'], step: 3 },
      values: { dice: 0.5, 'bytes down': 10, 'bytes up': 20 },
    });
    const update = { ...task, site: 'a', kind: 'accepted', round: 3, metrics: { loss: 1 }, norm: 2, down: 5, up: 6 };
    expect(scalarsOf(update)).toMatchObject({
      ...{ series: ['seed2', 'flap-sam', 'federated', 'a'], step: 3 },
      values: { loss: 1, 'update norm': 2 },
    });

    const look = (candidate: string | number) => ({
      ...{ kind: 'look', seed: 1, task: 'adabn on t2', target: 't2', method: 'first' },
      look: { candidate, volumeMl: 9, entropy: 0.1, agreement: 0.8, agreementWithSource: 0.7, departures: [{}] },
    });
    expect(scalarsOf(look(2))).toMatchObject({
      ...{ series: ['seed1', 't2', 'first'], step: 2 },
      values: { agreement: 0.8, 'agreement with source': 0.7, entropy: 0.1, 'volume ml': 9, 'outside the range': 1 },
    });
    expect(scalarsOf(look('statistics'))!.step).toBe(0);
    expect(Object.keys(scalarsOf(look('source'))!.values)).toContain('source agreement');
  });

  it('without a finite number, or of another kind, is passed over', () => {
    expect(scalarsOf({ kind: 'epoch', seed: 1, task: 't', epoch: 0, values: { loss: null } })).toBeUndefined();
    expect(scalarsOf({ kind: 'foundation', seed: 1, file: '/home/somebody/x.pth' })).toBeUndefined();
    expect(scalarsOf({ kind: 'late', site: 'a', round: 1, reason: 'r' })).toBeUndefined();
  });
});
