/** `graft site receive` as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { main } from '../cli/graft.js';

export interface Act {
  event: string;
  [fact: string]: unknown;
}

export class Receiver {
  readonly child: ChildProcess;
  /** What it did, in order. */
  readonly acts: Act[] = [];
  /** All that it printed. */
  text = '';
  #heard: (() => void)[] = [];

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    const free = args.includes('--keep-free-gb') ? [] : ['--keep-free-gb', '0.01'];
    const words = ['site', 'receive', ...args, ...free, '--port', '0', '--device', 'cpu', '--json'];
    this.child = spawn(process.execPath, [main, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child.stderr!.on('data', (part) => {
      this.text += part;
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.#take(line));
    this.child.on('close', () => this.#wake());
  }

  #take(line: string): void {
    this.text += `${line}\n`;
    const { progress } = JSON.parse(line);
    if (progress?.value) this.acts.push(progress.value);
    this.#wake();
  }
  #wake(): void {
    for (const heard of this.#heard.splice(0)) heard();
  }

  get port(): number {
    return this.acts.find(({ event }) => event === 'listening')!.port as number;
  }

  count = (event: string): number => this.acts.filter((act) => act.event === event).length;

  /** Waits for the nth act of a kind. @throws what it printed, where it ends before, or is silent for minutes */
  async until(event: string, nth = 1): Promise<Act> {
    for (;;) {
      const found = this.acts.filter((act) => act.event === event)[nth - 1];
      if (found) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`it ended:\n${this.text}`);
      await new Promise<void>((resolve, reject) => {
        const silent = () => reject(new Error(`no act "${event}":\n${this.text}`));
        const timer = setTimeout(silent, 200_000);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const closed = once(this.child, 'close');
    this.child.kill(signal);
    return (await closed)[0];
  }
}
