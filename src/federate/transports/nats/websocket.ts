/**
 * A WebSocket to the broker with a client's certificate, which the global `WebSocket` cannot present, and through an HTTP
 * proxy if a site has no other way out: the proxy opens a tunnel (`CONNECT`, RFC 9110, 9.3.6), and TLS runs inside it, end
 * to end.
 */
import { readFileSync } from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { TlsFiles } from './peer.js';

/** Opens a tunnel through the proxy. */
function tunnel(proxy: URL, host: string, port: number, done: (error: Error | null, socket?: Socket) => void): void {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { username, password } = proxy;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const asked: ClientRequest = request({
    ...{ host: proxy.hostname.replace(/^\[|\]$/g, ''), port: proxy.port || 80, method: 'CONNECT', path: authority },
    headers: { host: authority, ...(username && { 'proxy-authorization': `Basic ${credentials}` }) },
  });
  asked.once('connect', ({ statusCode, statusMessage }, socket: Socket) => {
    if (statusCode === 200) done(null, socket);
    else {
      socket.destroy();
      done(new Error(`the proxy answers ${statusCode} ${statusMessage}`));
    }
  });
  asked.once('error', (error) => done(error));
  asked.end();
}

/** Makes the client's sockets. Certificates are read for each, since they may have been renewed. */
export async function webSocketFactory(tls: TlsFiles | undefined, proxy: string | undefined) {
  const { WebSocket } = await import('ws');
  return async (address: string) => {
    const encrypted = address.startsWith('wss:');
    const files = tls && {
      ca: readFileSync(tls.ca),
      cert: readFileSync(tls.certificate),
      key: readFileSync(tls.key),
    };
    const throughProxy = (
      { host = '', port }: { host?: string; port?: number | string },
      done: (error: Error | null, socket?: Socket) => void,
    ) => {
      const target = host.replace(/^\[|\]$/g, '');
      tunnel(new URL(proxy!), target, Number(port), (error, socket) => {
        if (error || !socket || !encrypted) return done(error, socket);
        const secure = connect({ ...files, socket, host: target, ...(isIP(target) ? {} : { servername: target }) });
        secure.once('secureConnect', () => done(null, secure));
        secure.once('error', done);
      });
    };
    const socket = new WebSocket(address, {
      ...files,
      perMessageDeflate: false,
      // The package's type lacks the callback that Node.js passes to `createConnection`.
      ...(proxy === undefined ? {} : { createConnection: throughProxy as never }),
    });
    return { socket: socket as unknown as globalThis.WebSocket, encrypted };
  };
}
