/** The command as a process, and the requests of MONAI Label's own client (monailabel 0.8.5, client.py) to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { createInterface } from 'node:readline';
import { main } from '../cli/graft.js';

export interface Act {
  act?: string;
  image?: string;
  url?: string;
  [more: string]: unknown;
}

export class Served {
  readonly child: ChildProcess;
  /** What it printed, one value a line. */
  readonly acts: Act[] = [];
  url = '';

  private constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, [main, 'serve', ...args, '--port', '0', '--device', 'cpu', '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
  }

  static async start(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Served> {
    const served = new Served(args, env);
    for await (const line of createInterface({ input: served.child.stdout! })) {
      served.#take(line);
      if (served.url) break;
    }
    createInterface({ input: served.child.stdout! }).on('line', (line) => served.#take(line));
    return served;
  }

  #take(line: string): void {
    const { progress, ...result } = JSON.parse(line);
    const act: Act = progress?.value ?? result;
    this.acts.push(act);
    if (act.url) this.url = act.url;
  }

  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  async json(path: string, init?: RequestInit): Promise<{ status: number; body: any }> {
    const response = await fetch(this.url + path, init);
    return { status: response.status, body: await response.json() };
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.child, 'close');
    this.child.kill(signal);
    return (await closed)[0];
  }

  /** With headers that `fetch` sets itself. */
  raw(path: string, headers: Record<string, string>, method = 'GET'): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = httpRequest(this.url + path, { method, headers }, async (response) => {
        resolve({ status: response.statusCode!, text: Buffer.concat(await response.toArray()).toString() });
      });
      sent.on('error', reject);
      if (method === 'GET') sent.end();
      else sent.flushHeaders();
    });
  }
}

/** A form as `encode_multipart_formdata` writes it, whose boundary holds a sign that RFC 2046 does not allow. */
export function form(fields: Record<string, unknown>, files: Record<string, [path: string, bytes: Uint8Array]> = {}) {
  const limit = '----------lImIt_of_THE_fIle_eW_$';
  const lines: (string | Uint8Array)[] = [];
  for (const [key, value] of Object.entries(fields))
    lines.push(`--${limit}`, `Content-Disposition: form-data; name="${key}"`, '', JSON.stringify(value));
  for (const [key, [path, bytes]] of Object.entries(files))
    lines.push(
      `--${limit}`,
      `Content-Disposition: form-data; name="${key}"; filename="${path}"`,
      'Content-Type: application/octet-stream',
      '',
      bytes,
    );
  lines.push(`--${limit}--`, '');
  const body = Buffer.concat(lines.flatMap((line) => [Buffer.from(line as string), Buffer.from('\r\n')]));
  return { headers: { 'content-type': `multipart/form-data; boundary=${limit}` }, body };
}
