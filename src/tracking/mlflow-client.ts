/**
 * The few calls of MLflow's REST interface (version 2.0) that a run needs, with patience: what fails for a reason that may
 * pass is tried again.
 *
 * Name and password, or a token, come from the environment as in MLflow's own client.
 */
import { setTimeout } from 'node:timers/promises';

/** The server understood and said no: asking again does not help. */
export class MlflowRefusal extends Error {
  override readonly name = 'MlflowRefusal';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Metric {
  key: string;
  value: number;
  /** In ms since 1970. */
  timestamp: number;
  step: number;
}

export interface Pair {
  key: string;
  value: string;
}

export interface RunInfo {
  run_id: string;
  artifact_uri: string;
}

const TRIES = 3;
/** Long, since a training step that computes may keep an answer waiting. */
const PATIENCE_MS = 30_000;
const artifacts = '/api/2.0/mlflow-artifacts/artifacts';

export class MlflowClient {
  readonly #uri: string;
  readonly #pauseMs: number;
  readonly #closed = new AbortController();

  /** @param pauseMs before the second attempt; each further one waits twice as long */
  constructor(uri: string, pauseMs = 250) {
    this.#uri = uri.replace(/\/+$/, '');
    this.#pauseMs = pauseMs;
  }

  /** The number of the experiment, which is made where there is none. */
  async experiment(name: string): Promise<string> {
    const find = async () => {
      const { experiment } = await this.#call<{ experiment: { experiment_id: string } }>(
        'GET',
        `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`,
      );
      return experiment.experiment_id;
    };
    try {
      return await find();
    } catch (error) {
      if (!(error instanceof MlflowRefusal && error.code === 'RESOURCE_DOES_NOT_EXIST')) throw error;
    }
    try {
      return (await this.#call<{ experiment_id: string }>('POST', 'experiments/create', { name })).experiment_id;
    } catch (error) {
      // Another run was quicker.
      if (error instanceof MlflowRefusal && error.code === 'RESOURCE_ALREADY_EXISTS') return find();
      throw error;
    }
  }

  async createRun(experiment: string, name: string, tags: Pair[]): Promise<RunInfo> {
    const body = { experiment_id: experiment, run_name: name, start_time: Date.now(), tags };
    return (await this.#call<{ run: { info: RunInfo } }>('POST', 'runs/create', body)).run.info;
  }

  /** A batch: at most 1,000 metrics and 100 parameters. */
  async log(run: string, batch: { metrics?: Metric[]; params?: Pair[] }): Promise<void> {
    await this.#call('POST', 'runs/log-batch', { run_id: run, ...batch });
  }

  async setStatus(run: string, status: 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED'): Promise<void> {
    const ended = status === 'RUNNING' ? {} : { end_time: Date.now() };
    await this.#call('POST', 'runs/update', { run_id: run, status, ...ended });
  }

  /** Only where the server itself keeps artifacts. @throws MlflowRefusal where they lie elsewhere, such as in a bucket */
  async upload({ artifact_uri }: Pick<RunInfo, 'artifact_uri'>, name: string, content: string): Promise<void> {
    const path = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/.exec(artifact_uri)?.[1];
    if (path === undefined) {
      const scheme = artifact_uri.split(':')[0];
      throw new MlflowRefusal('ARTIFACTS_ELSEWHERE', `it keeps artifacts under ${scheme}:, not behind its own address`);
    }
    const place = [...path.split('/'), name].map(encodeURIComponent).join('/');
    await this.#request('PUT', `${artifacts}/${place}`, content, 'application/octet-stream');
  }

  /** Waits for nothing any more: what is under way fails. */
  close(): void {
    this.#closed.abort();
  }

  async #call<Answer>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const content = body && JSON.stringify(body);
    return (await this.#request(method, `/api/2.0/mlflow/${path}`, content, 'application/json')) as Answer;
  }

  async #request(method: string, path: string, body: string | undefined, type: string): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(method, path, body, type);
      } catch (error) {
        if (error instanceof MlflowRefusal || attempt === TRIES) throw error;
        await setTimeout(this.#pauseMs * 2 ** (attempt - 1), undefined, { signal: this.#closed.signal });
      }
    }
  }

  async #once(method: string, path: string, body: string | undefined, type: string): Promise<unknown> {
    const response = await fetch(this.#uri + path, {
      method,
      headers: { ...authorization(), ...(body !== undefined && { 'content-type': type }) },
      ...(body !== undefined && { body }),
      signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const text = await response.text();
    if (response.ok) return parse(text) ?? {};
    const { error_code: code = `HTTP ${response.status}`, message = response.statusText } = parse(text) ?? {};
    // Too many requests and the server's own troubles may pass.
    if (response.status === 429 || response.status >= 500) throw new Error(`${code}: ${message}`);
    throw new MlflowRefusal(code, `${code}: ${message}`);
  }
}

function parse(text: string): { error_code?: string; message?: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page, or nothing
  }
}

function authorization(): Record<string, string> {
  const {
    MLFLOW_TRACKING_USERNAME: name,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = process.env;
  if (name && password) return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
  return token ? { authorization: `Bearer ${token}` } : {};
}
