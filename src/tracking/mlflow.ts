/**
 * A run on an MLflow server. The run's own log is the queue: what the server has taken is remembered as a place in the log,
 * so nothing is lost while the server is away, and a run that is resumed goes on under the same number.
 *
 * What is sent cannot be taken back. A resumed run repeats the epoch in which it was stopped, to the same bits: such a step
 * is not sent again. A batch whose answer got lost is, and MLflow keeps what is equal in every part once.
 */
import { basename, resolve } from 'node:path';
import { type Metric, MlflowClient, MlflowRefusal, type Pair } from './mlflow-client.js';
import { type LogRecord, type Scalars, scalarsOf } from './scalars.js';
import type { MlflowConfig } from './schema.js';
import type { TrackedRun } from './tracked-run.js';
import type { Outcome, Tracker } from './tracker.js';

/** What the server has taken; a file in the run's folder. */
interface State {
  uri: string;
  experiment: string;
  run: string;
  artifacts: string;
  /** Whether the parameters are there. */
  described: boolean;
  at: number;
}
const stateFile = ['tracking', 'mlflow.json'];

/** MLflow takes 1,000 metrics in a batch; a record has a few. */
const BATCH = 900;
/** A server that is away is not asked again for so long. */
const REST_MS = 30_000;
/** For what is under way when a run ends early. */
const GRACE_MS = 3_000;
const PARAMS = 100;
const LONGEST = 500;

export class Mlflow implements Tracker {
  readonly name: string;
  readonly #run: TrackedRun;
  readonly #config: MlflowConfig;
  readonly #params: Pair[];
  readonly #client: MlflowClient;
  #state: State | undefined;
  /** Names and steps that the server has. */
  readonly #sent = new Set<string>();
  #open = false;
  #sending: Promise<void> | undefined;
  #restUntil = 0;

  /** @param recipe its settings become the run's parameters, but for paths and free text */
  constructor(run: TrackedRun, config: MlflowConfig, recipe: object, client = new MlflowClient(config.uri)) {
    this.name = `MLflow at ${config.uri}`;
    this.#run = run;
    this.#config = config;
    this.#params = paramsOf(recipe);
    this.#client = client;
    const saved = run.isWhole(...stateFile) ? run.readJson<State>(...stateFile) : undefined;
    if (saved?.uri === config.uri && saved.experiment === config.experiment) this.#state = saved;
  }

  /** One at a time; after a failure there is a pause, in which nothing is done. */
  async update(): Promise<void> {
    if (this.#sending || performance.now() < this.#restUntil) return;
    this.#sending = this.#send();
    try {
      await this.#sending;
    } catch (error) {
      this.#restUntil = performance.now() + REST_MS;
      throw error;
    } finally {
      this.#sending = undefined;
    }
  }

  async finish({ scores, report }: Outcome): Promise<void> {
    await this.#sending?.catch(() => {});
    await this.#send();
    const { run, artifacts } = this.#state!;
    const time = Date.now();
    await this.#client.log(run, {
      metrics: scores.flatMap(({ series, values }) => metricsOf({ series, values, step: 0, time })),
    });
    await this.#client.setStatus(run, 'FINISHED');
    await this.#client.upload({ artifact_uri: artifacts }, 'report.html', report(this.#config.images));
  }

  async abandon(how: 'failed' | 'interrupted'): Promise<void> {
    // Who pressed Ctrl-C does not wait for a server that is slow or away.
    const patience = setTimeout(() => this.#client.close(), GRACE_MS);
    try {
      await this.#sending?.catch(() => {});
      if (!this.#open || performance.now() < this.#restUntil) return;
      await this.#send();
      await this.#client.setStatus(this.#state!.run, how === 'failed' ? 'FAILED' : 'KILLED');
    } finally {
      clearTimeout(patience);
    }
  }

  async #send(): Promise<void> {
    if (!this.#open) await this.#begin();
    const state = this.#state!;
    const lines = this.#run.readLogFrom<LogRecord>(state.at);
    let batch = new Map<string, Metric>();
    for (const [i, { record, end }] of lines.entries()) {
      for (const [place, metric] of placed(record)) if (!this.#sent.has(place)) batch.set(place, metric);
      if (batch.size < BATCH && i < lines.length - 1) continue;
      if (batch.size > 0) await this.#client.log(state.run, { metrics: [...batch.values()] });
      for (const place of batch.keys()) this.#sent.add(place);
      batch = new Map();
      this.#save({ ...state, at: end });
    }
  }

  /** Takes the run up again, or makes it. */
  async #begin(): Promise<void> {
    if (this.#state && !(await this.#isThere(this.#state.run))) this.#state = undefined;
    const { uri, experiment } = this.#config;
    if (!this.#state) {
      const number = await this.#client.experiment(experiment);
      const info = await this.#client.createRun(number, basename(resolve(this.#run.path)), this.#tags());
      this.#save({ ...{ uri, experiment }, run: info.run_id, artifacts: info.artifact_uri, described: false, at: 0 });
    }
    const { run, described, at } = this.#state!;
    if (!described)
      for (let i = 0; i < this.#params.length; i += PARAMS)
        await this.#client.log(run, { params: this.#params.slice(i, i + PARAMS) });
    this.#save({ ...this.#state!, described: true });
    for (const { record, end } of this.#run.readLogFrom<LogRecord>(0))
      if (end <= at) for (const place of placed(record).keys()) this.#sent.add(place);
    this.#open = true;
  }

  /** Says that the run goes on; a server that was set up anew does not know it. */
  async #isThere(run: string): Promise<boolean> {
    try {
      await this.#client.setStatus(run, 'RUNNING');
      return true;
    } catch (error) {
      if (error instanceof MlflowRefusal && error.code === 'RESOURCE_DOES_NOT_EXIST') return false;
      throw error;
    }
  }

  #save(state: State): void {
    this.#state = state;
    this.#run.writeJson(state, ...stateFile);
  }

  /** Versions, not the machine. */
  #tags(): Pair[] {
    const told = this.#run.provenance().filter(([label]) => label !== 'Machine');
    return told.map(([key, value]) => ({ key, value }));
  }
}

/** A record's metrics by what makes them one point of one curve. */
function placed(record: LogRecord): Map<string, Metric> {
  const scalars = scalarsOf(record);
  return new Map((scalars ? metricsOf(scalars) : []).map((metric) => [`${metric.step} ${metric.key}`, metric]));
}

const metricsOf = ({ series, values, step, time }: Scalars): Metric[] =>
  Object.entries(values).map(([name, value]) => ({
    key: [...series, name].map(metricName).join('/'),
    ...{ value, step, timestamp: time },
  }));

/** MLflow allows letters, digits, `_`, `-`, `.` and blanks in names. */
const metricName = (name: string) => name.replaceAll(/[^\w .-]/g, '_').replace(/^\.+$/, '_');

const unsaid = new Set([
  ...['title', 'description', 'groupBy', 'sourceGroupBy', 'tracking', 'names'],
  ...['data.root', 'model.checkpoint', 'cache'],
]);

/** The recipe's settings by dotted key. Free text and whatever may be a path stay here: they can name people. */
function paramsOf(recipe: object): Pair[] {
  const walk = (value: unknown, path: string[]): Pair[] => {
    if (value === undefined || unsaid.has(path.join('.'))) return [];
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return Object.entries(value).flatMap(([key, inner]) => walk(inner, [...path, key]));
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return /[/\\]/.test(text) ? [] : [{ key: path.join('.'), value: text.slice(0, LONGEST) }];
  };
  return walk(recipe, []);
}
