/** Requests with files: parts are written to a folder of the request, in the order in which they come, and never more than is allowed. */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import { GraftError } from '../core/index.js';
import { serverError } from './errors.js';

/** Bytes of one request's files together. */
export const uploadLimit = 2 ** 29;
/** Bytes of a request without files. */
const textLimit = 2 ** 20;
/** Files of one request: the images of a series. */
const filesLimit = 4096;

export interface Form extends Disposable {
  /** Values of the fields that are not files. */
  readonly fields: ReadonlyMap<string, string>;
  /** Files of each field; they are removed with the form. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** The folder that they are in, and nothing else. */
  readonly folder: string;
}

/**
 * Reads multipart/form-data or a url-encoded form.
 *
 * @param work folder in which the request gets one of its own
 * @throws GraftError REQUEST_INVALID, UPLOAD_TOO_LARGE
 */
export async function readForm(request: IncomingMessage, work: string): Promise<Form> {
  const tooLarge = () => serverError('UPLOAD_TOO_LARGE', { limit: uploadLimit });
  if (Number(request.headers['content-length'] ?? 0) > uploadLimit) throw tooLarge();
  const folder = mkdtempSync(join(work, 'request-'));
  const dispose = () => rmSync(folder, { recursive: true, force: true });
  try {
    const fields = new Map<string, string>();
    const files = new Map<string, string[]>();
    const open: Readable[] = [];
    const written: Promise<unknown>[] = [];
    let [bytes, count] = [0, 0];
    const limits = { fileSize: uploadLimit, files: filesLimit, fields: 64, fieldSize: 2 ** 20, parts: filesLimit + 64 };
    const parser = new Busboy({ headers: request.headers as never, limits });
    const fail = (error: Error) => parser.destroy(error);
    parser.on('field', (name, value) => fields.set(name, value));
    parser.on('file', (name, stream, sent) => {
      // Of the name that the sender gives the ending alone counts.
      const [ending = ''] = /(\.nii|\.nrrd)?(\.gz)?$/i.exec(sent ?? '') ?? [];
      const path = join(folder, `${++count}${ending.toLowerCase()}`);
      files.set(name, [...(files.get(name) ?? []), path]);
      open.push(stream);
      stream.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > uploadLimit) fail(tooLarge());
      });
      stream.on('limit', () => fail(tooLarge()));
      const writing = pipeline(stream, createWriteStream(path, { mode: 0o600 }));
      writing.catch(() => {}); // met below
      written.push(writing);
    });
    parser.on('filesLimit', () => fail(tooLarge()));
    await pipeline(request, parser).catch((error: Error) => {
      for (const stream of open) stream.destroy(error);
      throw error;
    });
    await Promise.all(written);
    return { fields, files, folder, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    if (error instanceof GraftError) throw error;
    throw serverError('REQUEST_INVALID', { reason: (error as Error).message.replace(/\.$/, '') }, error);
  }
}

/** A JSON object that a form or a body holds. @throws GraftError REQUEST_INVALID */
export function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw serverError(
      'REQUEST_INVALID',
      { reason: `its parameters are not JSON (${(error as Error).message})` },
      error,
    );
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw serverError('REQUEST_INVALID', { reason: 'its parameters are not a JSON object' });
  return value as Record<string, unknown>;
}

/** The parameters of a request: a field of a form, or the whole body. */
export async function parametersOf(
  request: IncomingMessage,
  work: string,
): Promise<Disposable & { params: Record<string, unknown>; form?: Form }> {
  if (/^(multipart\/form-data|application\/x-www-form-urlencoded)\b/i.test(request.headers['content-type'] ?? '')) {
    const form = await readForm(request, work);
    const dispose = () => form[Symbol.dispose]();
    try {
      return { params: parsed(form.fields.get('params') ?? ''), form, [Symbol.dispose]: dispose };
    } catch (error) {
      dispose();
      throw error;
    }
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > textLimit) throw serverError('UPLOAD_TOO_LARGE', { limit: textLimit });
    pieces.push(piece);
  }
  return { params: parsed(Buffer.concat(pieces).toString()), [Symbol.dispose]: () => {} };
}

/** The file of a field. @throws GraftError REQUEST_INVALID */
export function fileOf({ files }: Form, field: string): string {
  const [file, ...others] = files.get(field) ?? [];
  if (file === undefined || others.length > 0)
    throw serverError('REQUEST_INVALID', {
      reason: `it has ${others.length + (file ? 1 : 0)} files "${field}", not one`,
    });
  return file;
}
