/**
 * A peer's line to the broker, which may be cut at any time. It reconnects by itself for as long as it takes, and requests
 * wait meanwhile. Only what waiting does not cure is an error: a certificate that the broker refuses, a subject that it does
 * not allow, a store that is full.
 */
import { setTimeout } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import type { GraftError } from '../../../core/index.js';
import { federateError } from '../../errors.js';
import { Broadcast } from '../../streams.js';
import { reasonOf, waitOf } from './connection.js';
import { faultOf, Interruption } from './faults.js';
import type { BrokerEvent } from './peer.js';

/** How often a peer checks whether the broker still has its messages, in ms. */
const LOOK = 60_000;

export class Line {
  readonly client: NatsConnection;
  readonly events = new Broadcast<BrokerEvent>();
  /** Called before a request is tried again: the coordinator makes missing streams. */
  repair = async (): Promise<void> => {};
  /** How often the connection was lost and came back. */
  reconnections = 0;
  /** Called when the connection is back, before it is used. */
  returning = async (): Promise<void> => {};
  readonly #end = new AbortController();
  readonly #asking = new Set<(error: unknown) => void>();
  #connected = true;
  #waiting: (() => void)[] = [];
  /** Pieces of work that the broker has not taken. */
  #stuck = 0;
  /** Why the connection is over. */
  #over: GraftError | undefined;

  constructor(client: NatsConnection) {
    this.client = client;
    this.#follow();
  }

  /** Notes when the connection is lost, back or over. */
  #follow(): void {
    (async () => {
      for await (const { type } of this.client.status())
        if (type === 'disconnect') {
          this.#connected = false;
          this.#giveUp(new Interruption('the connection was lost'));
          this.events.push({ kind: 'disconnected' });
        } else if (type === 'reconnect') {
          await this.returning();
          if (this.#over) return;
          this.#connected = true;
          this.reconnections++;
          this.#wake();
          this.events.push({ kind: 'connected' });
        }
    })();
    this.client.closed().then((error) => {
      this.#over ??= error
        ? federateError('BROKER_REFUSED', { reason: reasonOf(error) }, error)
        : federateError('TRANSPORT_CLOSED', {});
      this.#end.abort();
      this.#giveUp(this.#over);
      this.#wake();
    });
  }

  #giveUp(error: unknown): void {
    for (const reject of this.#asking) reject(error);
    this.#asking.clear();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #ready(): Promise<void> {
    while (!this.#connected && !this.#over) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#over) throw this.#over;
  }

  /** Makes a request once there is a connection; fails with the client's errors, or as soon as the connection is lost. */
  async ask<T>(request: () => Promise<T>): Promise<T> {
    await this.#ready();
    return new Promise((resolve, reject) => {
      this.#asking.add(reject);
      request()
        .then(resolve, reject)
        .finally(() => this.#asking.delete(reject));
    });
  }

  /**
   * Repeats work until it succeeds.
   *
   * @throws GraftError BROKER_FORBIDDEN, BROKER_FULL, BROKER_REFUSED, TRANSPORT_CLOSED
   */
  async insist<T>(work: () => Promise<T>): Promise<T> {
    let stuck = false;
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          if (attempt > 0) await this.repair();
          return await work();
        } catch (error) {
          const fault = this.#over ?? faultOf(error);
          if (typeof fault !== 'string') throw fault;
          if ((fault === 'full' || fault === 'silent') && !stuck && this.#connected) {
            stuck = true;
            if (this.#stuck++ === 0) this.events.push({ kind: 'stuck', cause: fault });
          }
        }
        await this.wait(waitOf(attempt));
      }
    } finally {
      if (stuck && --this.#stuck === 0) this.events.push({ kind: 'unstuck' });
    }
  }

  /** @throws GraftError BROKER_REFUSED, TRANSPORT_CLOSED if the connection ends before */
  async wait(milliseconds: number): Promise<void> {
    try {
      await setTimeout(milliseconds, undefined, { signal: this.#end.signal });
    } catch {
      throw this.#over;
    }
  }

  /**
   * Yields when something may have been lost: now, after every reconnection, and once a minute. Ends with the
   * signal, or when this peer closes the connection.
   *
   * @throws GraftError BROKER_REFUSED; what `close` was given
   */
  async *occasions(signal: AbortSignal): AsyncGenerator<true> {
    const queue = this.events.listen(AbortSignal.any([signal, this.#end.signal]), [{ kind: 'connected' }]);
    const timer = setInterval(() => queue.push({ kind: 'connected' }), LOOK).unref();
    try {
      for await (const { kind } of queue) if (kind === 'connected') yield true;
    } finally {
      clearInterval(timer);
    }
    if (this.#over && this.#over.code !== 'TRANSPORT_CLOSED') throw this.#over;
  }

  /** @param why what calls that wait for the broker throw; default: TRANSPORT_CLOSED */
  async close(why?: GraftError): Promise<void> {
    this.#over ??= why;
    await this.client.close();
  }
}
