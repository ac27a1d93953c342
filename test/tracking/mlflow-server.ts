/**
 * An MLflow server on loopback that holds what it is sent and refuses, as the real one does, what its interface does not
 * allow: unknown runs, too large batches, names with wrong characters, parameters that change.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Metric {
  key: string;
  value: number;
  timestamp: number;
  step: number;
}

export interface Run {
  experiment: string;
  name: string;
  status: string;
  ended: boolean;
  tags: Record<string, string>;
  params: Record<string, string>;
  /** Different ones: the real server keeps equal ones once. */
  metrics: Map<string, Metric>;
}

class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const name = /^[/\w.\- ]+$/;

export class MlflowServer {
  readonly experiments = new Map<string, string>();
  readonly runs = new Map<string, Run>();
  readonly artifacts = new Map<string, string>();
  /** Everything that came, as text. */
  readonly requests: { method: string; url: string; body: string; authorization: string | undefined }[] = [];
  /** Asked before a request is answered: a status to fail with. */
  failing: (request: { method: string; url: string }) => number | undefined = () => undefined;
  /** Takes requests and never answers. */
  silent = false;
  artifactRoot = 'mlflow-artifacts:';
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
  /** The one run that there is. */
  get run(): Run {
    if (this.runs.size !== 1) throw new Error(`expected one run, found ${this.runs.size}`);
    return [...this.runs.values()][0]!;
  }
  /** A metric's values by step. */
  history(key: string): [step: number, value: number][] {
    return [...this.run.metrics.values()]
      .filter((metric) => metric.key === key)
      .sort((a, b) => a.step - b.step)
      .map(({ step, value }) => [step, value]);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const [method, url, body] = [request.method!, request.url!, Buffer.concat(chunks).toString()];
    this.requests.push({ method, url, body, authorization: request.headers.authorization });
    if (this.silent) return;
    const send = (status: number, content: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    };
    try {
      const failure = this.failing({ method, url });
      if (failure) throw new Refused(failure, 'TEMPORARILY_UNAVAILABLE');
      send(200, this.#handle(method, new URL(url, 'http://server'), body, request.headers['content-type']));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      send(error.status, { error_code: error.code, message: error.message });
    }
  }

  #handle(method: string, { pathname, searchParams }: URL, body: string, type: string | undefined): object {
    const artifact = /^\/api\/2\.0\/mlflow-artifacts\/artifacts\/(.+)$/.exec(pathname)?.[1];
    if (artifact && method === 'PUT') {
      this.artifacts.set(artifact, body);
      return {};
    }
    const call = `${method} ${pathname.replace('/api/2.0/mlflow/', '')}`;
    if (method === 'POST' && type !== 'application/json') throw new Refused(400, 'BAD_REQUEST', `content type ${type}`);
    const given = body ? JSON.parse(body) : {};
    switch (call) {
      case 'GET experiments/get-by-name': {
        const id = this.experiments.get(searchParams.get('experiment_name')!);
        if (id === undefined) throw new Refused(404, 'RESOURCE_DOES_NOT_EXIST');
        return { experiment: { experiment_id: id } };
      }
      case 'POST experiments/create': {
        if (this.experiments.has(given.name)) throw new Refused(400, 'RESOURCE_ALREADY_EXISTS');
        this.experiments.set(given.name, String(this.experiments.size + 1));
        return { experiment_id: this.experiments.get(given.name) };
      }
      case 'POST runs/create': {
        if (![...this.experiments.values()].includes(given.experiment_id))
          throw new Refused(404, 'RESOURCE_DOES_NOT_EXIST');
        const id = `run${this.runs.size + 1}`;
        const tags = Object.fromEntries(given.tags.map((tag: { key: string; value: string }) => [tag.key, tag.value]));
        this.runs.set(id, {
          ...{ experiment: given.experiment_id, name: given.run_name, status: 'RUNNING', ended: false, tags },
          ...{ params: {}, metrics: new Map() },
        });
        const artifact_uri = `${this.artifactRoot}/${given.experiment_id}/${id}/artifacts`;
        return { run: { info: { run_id: id, artifact_uri } } };
      }
      case 'POST runs/update': {
        const run = this.#find(given.run_id);
        run.status = given.status;
        run.ended = given.end_time > 0;
        return {};
      }
      case 'POST runs/log-batch':
        return this.#logBatch(this.#find(given.run_id), given);
      default:
        throw new Refused(404, 'ENDPOINT_NOT_FOUND', call);
    }
  }

  #logBatch(
    run: Run,
    { metrics = [], params = [] }: { metrics?: Metric[]; params?: { key: string; value: string }[] },
  ) {
    if (metrics.length > 1000 || params.length > 100)
      throw new Refused(400, 'INVALID_PARAMETER_VALUE', 'batch too large');
    for (const { key, value } of params) {
      if (!name.test(key) || value.length > 500) throw new Refused(400, 'INVALID_PARAMETER_VALUE', key);
      if (run.params[key] !== undefined && run.params[key] !== value)
        throw new Refused(400, 'INVALID_PARAMETER_VALUE', key);
      run.params[key] = value;
    }
    for (const metric of metrics) {
      const { key, value, timestamp, step } = metric;
      const parts = key.split('/');
      if (!name.test(key) || parts.some((part) => part === '' || part === '.' || part === '..'))
        throw new Refused(400, 'INVALID_PARAMETER_VALUE', key);
      if (typeof value !== 'number' || ![timestamp, step].every(Number.isInteger))
        throw new Refused(400, 'INVALID_PARAMETER_VALUE', JSON.stringify(metric));
      run.metrics.set(JSON.stringify([key, timestamp, step, value]), metric);
    }
    return {};
  }

  #find(id: string): Run {
    const run = this.runs.get(id);
    if (!run) throw new Refused(404, 'RESOURCE_DOES_NOT_EXIST', id);
    return run;
  }
}
