/** A model served to viewers until it is told to end. */
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { AuditRecord } from '../audit/index.js';
import { sha256, type Tell } from '../core/index.js';
import { type Act, labellingApp } from './app.js';
import { Datastore } from './datastore.js';
import type { Served } from './message.js';
import { ModelThread } from './model-thread.js';
import { Sessions } from './sessions.js';
import { Uncertainty } from './uncertainty.js';

export interface ServeOptions extends Served {
  /** Folder of NIfTI files and DICOM series. */
  images: string;
  /** Folder for the labels. */
  labels: string;
  /** Name or address to listen at, by which viewers reach it. */
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Of viewers that are pages. */
  origins: readonly string[];
  audit: { given: Readonly<Record<string, unknown>>; audit: string | undefined };
  signal: AbortSignal;
  tell: Tell;
}

/** Acts that are kept for `/logs`. */
const logged = 300;

/** @throws GraftError as loading the model; RUN_IN_USE, PSEUDONYM_KEY, WRITE_FAILED; the system's where the port is taken */
export async function serveModel(options: ServeOptions): Promise<void> {
  const { images, labels, host, port, origins, audit, signal, tell, ...served } = options;
  const store = new Datastore(images, labels);
  const work = join(store.labels, '.work');
  // Of a server that was killed.
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  using thread = new ModelThread(served);
  using sessions = new Sessions(join(work, 'sessions'));
  try {
    const models = await thread.ask({ kind: 'open' }, signal);
    const [first] = Object.keys(models);
    const adapter = served.adapters[first];
    const used = [
      served.model,
      ...(adapter === undefined ? [] : [typeof adapter === 'string' ? adapter : adapter.folder]),
    ];
    const digests = used.map(sha256);
    const uncertainty = new Uncertainty(join(store.labels, 'uncertainty.json'), digests.join('+'));
    const log: string[] = [];
    const acted = (act: Act) => {
      const at = new Date().toISOString();
      const { text, ...value } = act;
      log.push(`${at} ${text}`);
      if (log.length > logged) log.shift();
      tell({ kind: 'result', text: `${at} ${text}`, value: { at, ...value } });
    };
    const app = labellingApp({
      ...{ models, thread, store, sessions, uncertainty, work, signal, acted, log },
      callers: { host, origins },
      stored({ name, path, series }, label) {
        using record = new AuditRecord({ command: 'serve', folder: store.labels, ...audit });
        record.reads(name, ...(series?.files ?? [path!]));
        record.writes(label);
        record.finish();
      },
    });
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    server.maxConnections = 64;
    server.listen(port, host);
    await once(server, 'listening');
    const { address, port: open, family } = server.address() as AddressInfo;
    const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${open}`;
    const { total, completed } = { total: store.list().length, completed: store.labelled().size };
    tell({
      kind: 'result',
      text: `${Object.keys(models).join(', ')} at ${url}: ${total} images, ${completed} labels; Ctrl-C ends it`,
      value: { url, models: Object.keys(models), images: store.images, labels: store.labels, total, completed },
    });
    if (!signal.aborted) await once(signal, 'abort');
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
