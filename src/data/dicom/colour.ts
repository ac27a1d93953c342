/** Colours as DICOM recommends them to viewers: CIELab under D50 (PS3.3 C.10.7.1.1). */

/** Red, green and blue of sRGB, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** From linear sRGB to XYZ under D50 (Bradford), as fractions of the white point. */
const toXyz = [
  [0.4360747 / 0.96422, 0.3850649 / 0.96422, 0.1430804 / 0.96422],
  [0.2225045, 0.7168786, 0.0606169],
  [0.0139322 / 0.82521, 0.0971045 / 0.82521, 0.7141733 / 0.82521],
];

const linear = (level: number) => {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};
const root = (t: number) => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29);

/** @returns uint16 [3]: L from 0 to 100, a and b from -128 to 127, each over the whole range */
export function labOf(colour: Rgb): [number, number, number] {
  const [x, y, z] = toXyz.map((row) => root(row.reduce((sum, part, i) => sum + part * linear(colour[i]), 0)));
  const scaled = [(116 * y - 16) / 100, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255];
  return scaled.map((share) => Math.round(65_535 * Math.min(1, Math.max(0, share)))) as [number, number, number];
}

/** A colour for each number from 0 on, as far as possible from those before it. */
export function distinctColour(number: number): Rgb {
  // Hues a golden section apart never come together.
  const hue = (6 * ((0.12 + number * 0.618034) % 1) + 6) % 6;
  const channel = (shift: number) =>
    Math.round(235 * (0.35 + 0.65 * Math.max(0, Math.min(1, Math.abs(((hue + shift) % 6) - 3) - 1))));
  return [channel(0), channel(4), channel(2)];
}
