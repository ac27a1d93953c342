/**
 * PNG images of 8-bit grey values or colours (W3C Portable Network Graphics, third edition).
 *
 * Left out: everything that slices do not need, such as palettes, transparency, interlacing and row filters.
 */
import { crc32, deflateSync } from 'node:zlib';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Length, type, content, and a checksum over type and content. */
function chunk(type: string, content: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}

/** By the number of samples a pixel: grey, and red-green-blue. */
const colourTypes: Record<number, number> = { 1: 0, 3: 2 };

/**
 * @param pixels uint8 [height, width, channels], row 0 at the top
 * @param channels 1: grey, 3: red, green, blue
 * @returns the bytes of a PNG file
 * @throws RangeError when the samples are not width * height * channels
 */
export function encodePng(pixels: Uint8Array, width: number, height: number, channels: 1 | 3 = 1): Buffer {
  const stride = width * channels;
  if (pixels.length !== stride * height) {
    const of = channels === 1 ? 'pixels' : `pixels of ${channels} samples`;
    throw new RangeError(`expected ${width} x ${height} = ${width * height} ${of}, found ${pixels.length / channels}`);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits a sample
  header[9] = colourTypes[channels]; // compression, filter method and interlacing stay 0
  const rows = Buffer.alloc(height * (stride + 1)); // each row begins with its filter, 0: none
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ]);
}
