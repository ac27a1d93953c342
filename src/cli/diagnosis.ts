/** What is missing on a machine, and the commands that fix it. Pure: `commands/doctor.ts` looks at the machine. */
import type { EngineReport } from '../torch/index.js';
import { bytes } from './format.js';

export interface Machine {
  node: string;
  platform: NodeJS.Platform;
  engine: EngineReport;
  /** First line of what `--version` says; absent where there is none. */
  compiler?: string;
  python?: string;
  /** Whether `python3 -m pip` works; asked only where the engine does not load. */
  pip: boolean;
  /** An NVIDIA driver is loaded. */
  nvidia: boolean;
  disk: { folder: string; free: number };
  /** How the system's packages are installed, such as `sudo apt-get install`. */
  installer: string;
  /** The command that compiles the engine here. */
  rebuild: string;
}

export interface Finding {
  problem: string;
  /** A command that fixes it. */
  fix: string;
  /** Nothing can be computed before it is fixed. */
  blocking: boolean;
}

/** Room for libtorch while it is fetched and unpacked, and for the checkpoints of a few runs, in bytes. */
const ROOM = { install: 5e9, run: 1e9 };

/** What is missing, in the order in which it should be fixed. */
export function findings(machine: Machine): Finding[] {
  const { engine, installer, rebuild, disk } = machine;
  const found: Finding[] = [];
  const add = (problem: string, fix: string, blocking: boolean) => found.push({ problem, fix, blocking });
  const broken = engine.problem !== undefined;
  const room = broken ? ROOM.install : ROOM.run;
  if (disk.free < room)
    add(
      `${disk.folder} has ${bytes(disk.free)} free; ${bytes(room)} are advised`,
      `du -sh ${disk.folder}/* | sort -h`,
      false,
    );

  if (broken) {
    const dnf = installer.includes('dnf');
    if (!machine.compiler)
      add(
        'no C++ compiler, which builds the engine',
        machine.platform === 'darwin' ? 'xcode-select --install' : `${installer} ${dnf ? 'gcc-c++' : 'g++'}`,
        true,
      );
    if (!machine.python || !machine.pip)
      add(
        `no ${machine.python ? 'pip' : 'python3'}, with which libtorch is fetched`,
        `${installer} ${machine.platform === 'darwin' ? 'python3' : 'python3 python3-pip'}`,
        true,
      );
    add(`${engine.problem}`.replace(/\.$/, ''), rebuild, true);
  } else if (machine.nvidia && engine.devices.length === 1)
    add(
      engine.cudaProblem
        ? `there is an NVIDIA driver, but libtorch’s CUDA kernels do not load (${engine.cudaProblem})`
        : 'there is an NVIDIA driver, but this libtorch computes on the CPU only',
      `python3 -m pip install torch && ${rebuild}`,
      false,
    );
  return found;
}
