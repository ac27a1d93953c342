/** Requests to an archive over HTTP: bounded answers, and further attempts where an answer may only be late. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import type { Archive } from './archive.js';
import { pacsError } from './errors.js';
import { tlsFault } from './tls.js';

export interface Asked {
  /** Behind the archive's address, such as `/studies`. */
  path: string;
  query?: readonly (readonly [name: string, value: string])[];
  accept: string;
  body?: { type: string; pieces: readonly Uint8Array[] };
  /** Bytes that an answer may have. */
  limit: number;
  /** For messages, such as `a search`; it names no patient. */
  what: string;
  signal?: AbortSignal | undefined;
  /** Milliseconds before each further attempt. */
  pauses?: readonly number[];
}

export interface Answer {
  status: number;
  type: string;
  bytes: Buffer;
}

const pausesMs = [500, 1000, 2000, 4000, 8000];
/** For a silent connection. */
const idleMs = 60_000;
const longestPauseMs = 60_000;

/** What may pass by itself. */
const passing = [408, 425, 429, 500, 502, 503, 504];

/** Connections are used again; as many as are asked for at once. */
const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

/**
 * @returns any answer but those that say that the archive refuses or is busy
 * @throws GraftError PACS_UNREACHABLE, PACS_CERTIFICATE, PACS_OWN_CERTIFICATE, PACS_TLS, PACS_DENIED, PACS_ANSWER, PACS_TOO_LARGE; the signal's reason
 */
export async function ask(archive: Archive, asked: Asked): Promise<Answer> {
  const { pauses = pausesMs, what, signal } = asked;
  const { host } = archive.url;
  for (let attempt = 0; ; attempt++) {
    const last = attempt === pauses.length;
    let wait = pauses[attempt];
    try {
      const answer = await once(archive, asked);
      const { status } = answer;
      if (status === 401 || status === 403) throw pacsError('PACS_DENIED', { host, what, status });
      if (!passing.includes(status)) return answer;
      if (last) throw pacsError('PACS_ANSWER', { host, what, found: `status ${status}` });
      wait = Math.max(wait, answer.retryAfterMs);
    } catch (error) {
      signal?.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      if (code?.startsWith('PACS_')) throw error;
      const fault = tlsFault(host, error);
      if (fault) throw fault;
      if (last) throw pacsError('PACS_UNREACHABLE', { host, attempts: attempt + 1, reason: code ?? message }, error);
    }
    await setTimeout(wait, undefined, { signal });
  }
}

function once(archive: Archive, asked: Asked): Promise<Answer & { retryAfterMs: number }> {
  const { url, authorization, tls } = archive;
  const target = new URL(url);
  target.pathname += asked.path;
  for (const [name, value] of asked.query ?? []) target.searchParams.append(name, value);
  const pieces = asked.body?.pieces ?? [];
  const headers = {
    accept: asked.accept,
    ...(authorization && { authorization }),
    ...(asked.body && {
      'content-type': asked.body.type,
      'content-length': pieces.reduce((sum, piece) => sum + piece.length, 0),
    }),
  };
  const secure = target.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(
      target,
      {
        ...{ method: asked.body ? 'POST' : 'GET', headers, signal: asked.signal, timeout: idleMs },
        agent: agents[secure ? 'https:' : 'http:'],
        ...(secure && tls),
      },
      (response) => collect(response, asked, url.host).then(resolve, reject),
    );
    request.on('timeout', () => request.destroy(new Error(`silent for ${idleMs / 1000} s`)));
    request.on('error', reject);
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

async function collect(response: IncomingMessage, { limit, what }: Asked, host: string) {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > limit) {
      response.destroy();
      throw pacsError('PACS_TOO_LARGE', { host, what, limit });
    }
    parts.push(part);
  }
  const { 'content-type': type = '', 'retry-after': after } = response.headers;
  return {
    status: response.statusCode ?? 0,
    type,
    bytes: Buffer.concat(parts),
    retryAfterMs: Math.min(longestPauseMs, 1000 * (Number(after) || 0)),
  };
}

/** An answer of JSON; none where there is nothing. @throws GraftError PACS_ANSWER, and as `ask` */
export async function askJson(archive: Archive, asked: Omit<Asked, 'accept'>): Promise<unknown> {
  const answer = await ask(archive, { ...asked, accept: 'application/dicom+json' });
  if (answer.status === 204 || answer.status === 404) return [];
  return jsonOf(answer, archive, asked.what);
}

export function jsonOf({ status, type, bytes }: Answer, { url: { host } }: Archive, what: string): unknown {
  const unfit = (found: string) => pacsError('PACS_ANSWER', { host, what, found });
  if (status < 200 || status > 299) throw unfit(`status ${status}`);
  if (!/json/.test(type)) throw unfit(type || 'no type');
  try {
    return bytes.length === 0 ? [] : JSON.parse(bytes.toString('utf8'));
  } catch {
    throw unfit('what is no JSON');
  }
}
