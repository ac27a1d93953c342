/** WebSockets with certificates, and through an HTTP proxy. In a file of its own: a process has connections of one kind. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { brokerConfiguration, type TlsFiles } from '../../../src/federate/index.js';
import { Authority, hasOpenssl } from './certificates.js';
import { peer, random } from './peers.js';
import { describeWithBroker, freePort, TestBroker, version } from './server.js';

const federation = 'hospitals';

/** A proxy that knows one password and opens tunnels; `asked` is what it was asked for. */
async function startProxy(password: string) {
  const asked: string[] = [];
  const open: Socket[] = [];
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connect', ({ url, headers }: IncomingMessage, from: Socket) => {
    asked.push(url!);
    const credentials = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
    if (headers['proxy-authorization'] !== credentials) {
      from.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(`http://${url}`);
    const to = connect(Number(port), hostname, () => {
      from.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      from.pipe(to).pipe(from);
    });
    for (const socket of [from, to]) {
      open.push(socket);
      socket.on('error', () => {});
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const close = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return {
    asked,
    close,
    address: (given: string) => `http://user:${given}@127.0.0.1:${port}`,
    cut: () => open[0].destroy(),
  };
}

if (hasOpenssl)
  describeWithBroker('a broker that listens for WebSockets', () => {
    const begin = async () => {
      const authority = new Authority();
      const [own, coordinator, site] = [
        authority.issue('broker', ['IP:127.0.0.1']),
        authority.issue('coordinator'),
        authority.issue('site-a'),
      ];
      const web = await freePort();
      const broker = await TestBroker.start((port, store) =>
        brokerConfiguration({
          ...{ federation, store, version, tls: own, listen: `127.0.0.1:${port}`, webSocket: `127.0.0.1:${web}` },
          ...{ coordinator: 'CN=coordinator', sites: { a: 'CN=site-a' } },
        }),
      );
      const join = (files: TlsFiles, name?: string, proxy?: string) =>
        peer({ servers: [`wss://127.0.0.1:${web}`], federation, site: name, tls: files, proxy, patience: 20 });
      return { broker, join, coordinator, site };
    };

    it('knows peers by their certificates there too', async () => {
      const { broker, join, coordinator, site } = await begin();
      const [center, a] = [await join(coordinator), await join(site, 'a')];
      const bytes = random(2_000_000);
      const hash = await center.putBlob(bytes, 1);
      expect(Buffer.compare(await a.getBlob(hash, 2 ** 30), bytes)).toBe(0);
      await expect(a.updateState('b', random(3))).rejects.toMatchObject({ code: 'BROKER_FORBIDDEN' });
      await broker.restart({ wiped: true });
      expect(Buffer.compare(await a.getBlob(hash, 2 ** 30), bytes)).toBe(0);
    });

    it('is reached through a proxy, to which nothing but a tunnel shows', async () => {
      const { join, coordinator, site } = await begin();
      const proxy = await startProxy('open sesame');
      const [center, a] = [await join(coordinator), await join(site, 'a', proxy.address('open%20sesame'))];
      const up = await a.putBlob(random(2_000_000), 1);
      expect((await center.getBlob(up, 2 ** 30, { site: 'a', round: 1 })).length).toBe(2_000_000);
      proxy.cut();
      const again = await a.putBlob(random(1000), 1);
      expect((await center.getBlob(again, 2 ** 30, { site: 'a', round: 1 })).length).toBe(1000);
      expect(proxy.asked.length).toBeGreaterThanOrEqual(2);
      await expect(join(site, 'a', proxy.address('wrong'))).rejects.toMatchObject({
        code: 'BROKER_UNREACHABLE',
        message: expect.stringContaining('the proxy answers 407 Proxy Authentication Required'),
      });
      proxy.close();
    });
  });
else describe.skip('a broker that listens for WebSockets (skipped: openssl is not installed)', () => {});
