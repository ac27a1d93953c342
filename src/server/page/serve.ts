/** A page served to browsers on this machine until it is told to end. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { PageSource } from '../../studies/index.js';
import { pageApp } from './app.js';

export interface ServePageOptions {
  source: PageSource;
  /** 0: any that is free. */
  port: number;
  signal: AbortSignal;
  opened(url: string): void;
}

/** @throws the system's error where the port is taken */
export async function servePage({ source, port, signal, opened }: ServePageOptions): Promise<void> {
  const server = createAdaptorServer({ fetch: pageApp(source, signal).fetch }) as Server;
  server.maxConnections = 64;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  opened(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
