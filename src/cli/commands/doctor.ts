/** `graft doctor`: what graft found on this machine, what is missing and which command fixes it. */
import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { exitCodes } from '../../core/index.js';
import { defineCommand } from '../command.js';
import { findings, type Machine } from '../diagnosis.js';
import { bytes } from '../format.js';

export const registerDoctor = (program: Command): void =>
  defineCommand(program, {
    name: 'doctor',
    summary: 'Show what graft found, what is missing and which command fixes it',
    details: `Exits with ${exitCodes.engine} where the engine cannot be loaded.`,
    examples: [
      ['graft doctor', 'before the first run, and when something does not work'],
      ['graft doctor --json', 'for a script, or to attach to a report'],
    ],
    async run(context) {
      const machine = await examine();
      const missing = findings(machine);
      const usable = machine.engine.problem === undefined;
      const { node, platform, engine, compiler, python, disk } = machine;
      context.print({ usable, node, platform, ...engine, compiler, python, disk, missing }, () => {
        const { torch, cpu, devices } = engine;
        const rows = [
          ['Node', node],
          ['libtorch', torch ? `${torch.version} from ${torch.from}, ${torch.folder}` : 'none'],
          ['CPU', cpu ? `${cpu.capability}, ${cpu.threads} threads` : 'unknown without the engine'],
          ['devices', devices.join(', ') || 'none'],
          ['compiler', compiler ?? 'none'],
          ['python3', python ?? 'none'],
          ['disk', `${bytes(disk.free)} free in ${disk.folder}`],
        ];
        const facts = rows.map(([name, value]) => `${name.padEnd(10)} ${value}`);
        const faults = missing.map(
          ({ problem, fix, blocking }) => `\n${context.bold(blocking ? 'Missing:' : 'Note:')} ${problem}\n  ${fix}`,
        );
        return [
          ...facts,
          ...faults,
          usable ? '\ngraft can run.' : '\ngraft cannot compute yet: run the commands above.',
        ].join('\n');
      });
      return usable ? 0 : exitCodes.engine;
    },
  });

async function examine(): Promise<Machine> {
  const { engineReport } = await import('../../torch/index.js');
  const engine = engineReport();
  const { platform } = process;
  const [compiler, python, pip] = await Promise.all([
    firstLine(process.env.CXX ?? (platform === 'darwin' ? 'clang++' : 'g++'), '--version'),
    firstLine('python3', '--version'),
    engine.problem === undefined ? '' : firstLine('python3', '-m', 'pip', '--version'),
  ]);
  const { bavail, bsize } = statfsSync('.');
  const manager = ['/usr/bin/apt-get', '/usr/bin/dnf'].find(existsSync) ?? '/usr/bin/apt-get';
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return {
    node: process.versions.node,
    platform,
    engine,
    ...(compiler && { compiler }),
    ...(python && { python }),
    pip: pip !== undefined,
    nvidia: existsSync('/proc/driver/nvidia/version'),
    disk: { folder: process.cwd(), free: bavail * bsize },
    installer: platform === 'darwin' ? 'brew install' : `${sudo}${manager.replace('/usr/bin/', '')} install`,
    rebuild: import.meta.url.includes('/node_modules/') ? 'npm rebuild graft' : 'npm run install',
  };
}

/** The first line that a program prints, or undefined where it does not work. */
async function firstLine(program: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: 5000 });
    return stdout.split('\n')[0].trim();
  } catch {
    return undefined;
  }
}
