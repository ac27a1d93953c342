/** A page served to browsers on this machine until it is told to end. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createAdaptorServer } from '@hono/node-server';
import type { PageSource } from '../../studies/index.js';
import { lookEvery, pageApp } from './app.js';

export interface ServePageOptions {
  source: PageSource;
  /** 0: any that is free. */
  port: number;
  signal: AbortSignal;
  /** Whether browsers that show the page see the last change before it ends; default: no. */
  farewell?: boolean;
  opened(url: string): void;
}

/** @throws the system's error where the port is taken */
export async function servePage({ source, port, signal, farewell = false, opened }: ServePageOptions): Promise<void> {
  const closing = new AbortController();
  const server = createAdaptorServer({ fetch: pageApp(source, closing.signal).fetch }) as Server;
  server.maxConnections = 64;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  opened(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  if (!signal.aborted) await once(signal, 'abort');
  // A browser hears of a change at the next look, and then asks for it.
  if (farewell && (await promisify(server.getConnections.bind(server))()) > 0) await setTimeout(2 * lookEvery);
  closing.abort();
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
