import type { ChildProcess } from 'node:child_process';

/** Names of sites, with the folders of their data. */
export const scanners: Readonly<Record<string, string>>;

export function freePort(): Promise<number>;

export function makeStudy(folder: string, options?: { rounds?: number }): Promise<void>;

export class Program {
  readonly child: ChildProcess;
  output: string;
  readonly ended: Promise<number | null>;
  says(pattern: RegExp): Promise<void>;
}

export class Network {
  constructor(made: string, folder: string);
  readonly folder: string;
  readonly programs: Map<string, Program>;
  readonly brokerProcess: number | undefined;
  graft(...args: string[]): Program;
  start(name: string, ...options: string[]): Program;
  says(name: string, pattern: RegExp): Promise<void>;
  keep(name: string): Promise<void>;
  keepAll(): Promise<unknown>;
  kill(name: string, options?: { wiped?: boolean }): void;
  stop(): Promise<void>;
  result(): Record<string, string>;
}

export function killAtRandom(
  network: Network,
  options: {
    kills: number;
    random?: () => number;
    until?: () => boolean;
    told?: (name: string, index: number) => void;
  },
): Promise<Record<string, number>>;
