/** Ctrl-C: the first press lets the command come to a safe point, the second stops the process at once. */
import { exitCodes } from '../core/index.js';

/** The part of `process` that is needed. */
export interface Host {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
}

export interface Interrupts extends Disposable {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

const signals = ['SIGINT', 'SIGTERM'] as const;

/** @param say shows a line to the person who pressed */
export function listenForInterrupts(host: Host, say: (text: string) => void): Interrupts {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) {
      host.exit(exitCodes.interrupted);
      return;
    }
    controller.abort();
    say('Interrupted: saving, and ending at the next safe point. Press Ctrl-C again to stop at once.');
  };
  for (const name of signals) host.on(name, listener);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) host.off(name, listener);
    },
  };
}
