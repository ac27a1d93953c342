/** Bodies of several parts, `multipart/related` (RFC 2387, RFC 2046 5.1), with DICOM files as parts. */
import { randomBytes } from 'node:crypto';

/** @returns the parts' contents, which share the body's memory; undefined where the body is none of that type */
export function partsOf(type: string, body: Buffer): Buffer[] | undefined {
  if (!/^multipart\/related\b/i.test(type)) return undefined;
  const [, quoted, plain] = /boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (!boundary) return undefined;
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Buffer[] = [];
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const start = at + delimiter.length;
    // The last delimiter ends in two hyphens.
    if (body.subarray(start, start + 2).toString('latin1') === '--') return parts;
    const head = body.indexOf('\r\n\r\n', start);
    if (head < 0) return undefined;
    const content = head + 4;
    const stated = /^content-length:\s*(\d+)\s*$/im.exec(body.subarray(start, head).toString('latin1'))?.[1];
    const from = stated === undefined ? content : content + Number(stated);
    const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), from);
    if (end < 0 || (stated !== undefined && end !== from)) return undefined;
    parts.push(body.subarray(content, end));
    at = end + 2;
  }
  return undefined;
}

/** A body with one DICOM file. */
export function bodyOf(file: Uint8Array): { type: string; pieces: Uint8Array[] } {
  const boundary = `graft-${randomBytes(16).toString('hex')}`;
  return {
    type: `multipart/related; type="application/dicom"; boundary=${boundary}`,
    pieces: [
      Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\nContent-Length: ${file.length}\r\n\r\n`),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ],
  };
}
