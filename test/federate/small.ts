/** Small federations for tests: the regression, folders that are cleaned up, a clock that is moved by hand. */
import * as federate from '../../src/federate/index.js';
import * as nn from '../../src/nn/index.js';
import * as torch from '../../src/torch/index.js';
import { makeRegression, type Regression, type RegressionOptions } from './regression.mjs';

torch.setThreads(1);

/** The library as `regression.mjs` takes it. */
export const graft = { ...federate, ...nn, ...torch };

export const regression = (options?: RegressionOptions): Regression => makeRegression(graft, options);

export { newFolder } from '../new-folder.js';

export const configOf = (values: Record<string, unknown> = {}): federate.Federation =>
  federate.federationSchema.parse({ rounds: 3, aggregation: 'mean', ...values });

type Event = federate.FederationEvent<{ loss: number }>;
export const of = <Kind extends Event['kind']>(events: readonly Event[], kind: Kind) =>
  events.filter((event): event is Extract<Event, { kind: Kind }> => event.kind === kind);

/** Runs a federation of the regression's sites and collects its events; the global state in the last one is a copy. */
export async function run(
  folder: string,
  config: federate.Federation,
  {
    regression: from = regression(),
    ...options
  }: Partial<federate.FederationOptions<{ loss: number }>> & {
    regression?: Regression;
  } = {},
): Promise<Event[]> {
  const { sites, base, initial } = from;
  const events: Event[] = [];
  for await (const event of federate.runFederation({ folder, config, plan: 'lora', base, initial, sites, ...options }))
    events.push(event.kind === 'finished' ? { ...event, global: nn.copyState(event.global) } : event);
  return events;
}

/** Time stands still until it is moved. */
export class HandClock implements federate.Clock {
  #now = 0;
  #waiting: { at: number; resolve: () => void }[] = [];
  now(): Date {
    return new Date(this.#now);
  }
  passed(): number {
    return this.#now / 1000;
  }
  after(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ at: this.#now + seconds * 1000, resolve });
    });
  }
  advance(seconds: number): void {
    this.#now += seconds * 1000;
    for (const { at, resolve } of this.#waiting) if (at <= this.#now) resolve();
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#now);
  }
}
