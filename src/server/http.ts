/** Who may ask, and how files are answered. */
import { randomBytes } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { serverError } from './errors.js';

export interface Callers {
  /** The name by which viewers reach the server. */
  host: string;
  /** Of viewers that are pages, such as `https://viewer.hospital.org`. */
  origins: readonly string[];
}

/**
 * A page that a browser shows may ask any server that its user can reach. It is known by its origin, which browsers tell; or
 * its owner lets a name of his lead to this machine, which the header Host tells (DNS rebinding). An address in numbers is
 * nobody's name.
 *
 * @throws GraftError HOST_REFUSED, ORIGIN_REFUSED
 */
export function assertCaller(host: string | undefined, origin: string | undefined, callers: Callers): void {
  const name =
    /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/
      .exec(host ?? '')
      ?.slice(1)
      .join('') ?? '';
  if (isIP(name) === 0 && !['localhost', callers.host.toLowerCase()].includes(name.toLowerCase()))
    throw serverError('HOST_REFUSED', { host: host || 'nothing' });
  if (origin !== undefined && !callers.origins.includes(origin)) throw serverError('ORIGIN_REFUSED', { origin });
}

/** Aborted when the one who asked goes away before the answer is whole. */
export function goneOf(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort();
  });
  return controller.signal;
}

const headersOf = (name: string, length: number) => ({
  'content-type': 'application/octet-stream',
  'content-disposition': `attachment; filename="${name.replace(/[^\w .-]/g, '_')}"`,
  'content-length': String(length),
});

export const bytesAnswer = (name: string, bytes: Uint8Array<ArrayBuffer>): Response =>
  new Response(bytes, { headers: headersOf(name, bytes.length) });

export const fileAnswer = (path: string): Response =>
  new Response(Readable.toWeb(createReadStream(path)) as ReadableStream, {
    headers: headersOf(basename(path), statSync(path).size),
  });

/** multipart/form-data (RFC 7578) with what is said of a file, and the file. */
export function formAnswer(params: object, { name, bytes }: { name: string; bytes: Uint8Array }): Response {
  const boundary = `graft-${randomBytes(16).toString('hex')}`;
  const body = Buffer.concat([
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="params"\r\nContent-Type: application/json\r\n\r\n` +
        `${JSON.stringify(params)}\r\n--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="${name}"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    ),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return new Response(body, {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': String(body.length) },
  });
}
