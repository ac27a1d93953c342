/** What the machine offers and what makes its numbers repeatable: devices, threads, seeds, memory, mapped files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import {
  chooseDevice,
  devices,
  engineReport,
  full,
  manualSeed,
  mapFile,
  memoryStatistics,
  operator,
  scope,
  setThreads,
  type Tensor,
  tensor,
  threads,
  torchVersion,
  zeros,
} from '../../src/torch/index.js';
import { eachDevice } from '../devices.js';

describe('devices', () => {
  it('begin with the CPU; "auto" takes the first accelerator', () => {
    expect(devices()[0]).toBe('cpu');
    expect(chooseDevice()).toBe(devices()[1] ?? 'cpu');
    expect(chooseDevice('cpu')).toBe('cpu');
  });

  it('one that is absent is refused with those that are there', () => {
    const refused = () => chooseDevice('cuda:99');
    expect(refused).toThrow(GraftError);
    expect(refused).toThrow(/cuda:99.*cpu/);
    expect(() => zeros([1], { device: 'abacus' })).toThrow(/abacus/);
  });

  it('the report for "graft doctor" names libtorch, the processor and the devices', () => {
    const report = engineReport();
    expect(report.torch?.version).toBe(torchVersion().split('+')[0]);
    expect(report.cpu?.threads).toBe(threads());
    expect(report.cpu?.capability).not.toBe('unknown');
    expect(report.devices).toEqual(devices());
    expect(report.problem).toBeUndefined();
  });
});

describe('threads', () => {
  const before = threads();
  afterEach(() => setThreads(before));

  it('are as many as were set', () => {
    setThreads(1);
    expect(threads()).toBe(1);
    setThreads(2);
    expect(threads()).toBe(2);
  });
});

eachDevice('seeds', (device) => {
  const draw = () => [...(operator('aten::randn')([4], { device }) as Tensor).toArray()];

  it('give the same numbers again', () => {
    manualSeed(1);
    const first = draw();
    const second = draw();
    manualSeed(1);
    expect([draw(), draw()]).toEqual([first, second]);
    manualSeed(2);
    expect(draw()).not.toEqual(first);
  });
});

eachDevice('memory statistics', (device) => {
  it('count tensors and their storage, shared storage once', () => {
    scope(() => {
      const before = memoryStatistics(device);
      const x = zeros([100], { device });
      expect(memoryStatistics(device)).toMatchObject({ tensors: before.tensors + 1, bytes: before.bytes + 400 });
      const view = x.view(10, 10);
      expect(memoryStatistics(device)).toMatchObject({ tensors: before.tensors + 2, bytes: before.bytes + 400 });
      x.dispose();
      expect(memoryStatistics(device)).toMatchObject({ tensors: before.tensors + 1, bytes: before.bytes + 400 });
      view.dispose();
      expect(memoryStatistics(device)).toMatchObject({ tensors: before.tensors, bytes: before.bytes });
    });
  });
});

describe('mapFile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-map-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("gives a file's bytes, of which tensors are made without a copy; the file stays as it is", () => {
    const path = join(folder, 'numbers');
    writeFileSync(path, new Uint8Array(new Float32Array([1, 2, 3]).buffer));
    const bytes = mapFile(path);
    const numbers = new Float32Array(bytes.buffer);
    const borrowed = tensor(numbers, undefined, { copy: false });
    expect(borrowed.sum().item()).toBe(6);
    borrowed.copy_(full([3], 5));
    expect([...numbers]).toEqual([5, 5, 5]);
    expect([...new Float32Array(mapFile(path).buffer)]).toEqual([1, 2, 3]);
  });

  it('names a file that is not there', () => {
    expect(() => mapFile(join(folder, 'absent'))).toThrow(/absent.*No such file/);
  });
});
