/** Single numbers as NumPy pickles them: the code of a type and little-endian bytes. */

const readers: Readonly<Record<string, (view: DataView) => number | bigint | boolean>> = {
  f4: (view) => view.getFloat32(0, true),
  f8: (view) => view.getFloat64(0, true),
  i1: (view) => view.getInt8(0),
  i2: (view) => view.getInt16(0, true),
  i4: (view) => view.getInt32(0, true),
  i8: (view) => view.getBigInt64(0, true),
  u1: (view) => view.getUint8(0),
  u2: (view) => view.getUint16(0, true),
  u4: (view) => view.getUint32(0, true),
  u8: (view) => view.getBigUint64(0, true),
  b1: (view) => view.getUint8(0) !== 0,
};

/**
 * The number; undefined where the type is of no number or the bytes are not of its length.
 * @param code such as `f8`, which names the kind and the bytes
 */
export function numpyNumber(code: string, bytes: Uint8Array): number | bigint | boolean | undefined {
  if (!Object.hasOwn(readers, code) || bytes.length !== Number(code.slice(1))) return undefined;
  const value = readers[code](new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
