import { describe, expect, it } from 'vitest';
import { findings, type Machine } from '../../src/cli/diagnosis.js';

const torch = { version: '2.13.0', from: "python3's torch", folder: '/opt/torch/lib' };
const healthy: Machine = {
  node: '22.0.0',
  platform: 'linux',
  engine: { torch, cpu: { capability: 'AVX2', threads: 8 }, devices: ['cpu'] },
  compiler: 'g++ 12',
  python: 'Python 3.11',
  pip: true,
  nvidia: false,
  disk: { folder: '/data', free: 1e11 },
  installer: 'sudo apt-get install',
  rebuild: 'npm rebuild graft',
};
const without: Machine = { ...healthy, engine: { devices: [], problem: 'it was not built' } };
const fixes = (machine: Machine) => findings(machine).map(({ fix }) => fix);

describe('findings', () => {
  it('is empty where everything is there', () => {
    expect(findings(healthy)).toEqual([]);
  });

  it('asks for a compiler only where the engine has to be built', () => {
    const { compiler: _, ...bare } = without;
    expect(fixes(bare)).toEqual(['sudo apt-get install g++', 'npm rebuild graft']);
    const { compiler: ___, ...running } = healthy;
    expect(findings(running)).toEqual([]);
  });

  it('names packages as the system does', () => {
    const { compiler: _, python: __, ...bare } = { ...without, installer: 'dnf install' };
    expect(fixes(bare)).toEqual(['dnf install gcc-c++', 'dnf install python3 python3-pip', 'npm rebuild graft']);
  });

  it('says why an engine that was built does not load', () => {
    const engine = { torch, devices: [], problem: 'libtorch is no longer in /opt/torch/lib, and no other was found.' };
    expect(findings({ ...healthy, engine })).toEqual([
      { problem: engine.problem.slice(0, -1), fix: 'npm rebuild graft', blocking: true },
    ]);
  });

  it('tells of an unused GPU and of a full disk, which do not block', () => {
    const found = findings({ ...healthy, nvidia: true, disk: { folder: '/data', free: 1e8 } });
    expect(found.map(({ blocking }) => blocking)).toEqual([false, false]);
    expect(found.map(({ problem }) => problem).join()).toMatch(/100\.0 MB free.*NVIDIA/);
    const engine = { ...healthy.engine, devices: ['cpu', 'cuda:0'] };
    expect(findings({ ...healthy, engine, nvidia: true })).toEqual([]);
    const incomplete = { ...healthy.engine, cudaProblem: 'libcublas.so.13: cannot open shared object file' };
    expect(findings({ ...healthy, engine: incomplete })).toEqual([]);
    expect(findings({ ...healthy, engine: incomplete, nvidia: true })[0].problem).toContain('libcublas.so.13');
  });
});
