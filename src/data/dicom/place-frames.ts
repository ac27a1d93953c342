/** Where the frames of a file lie, from its header. */
import type { Triple } from '../orientation.js';
import { DamagedFile, type Elements } from './data-set.js';
import type { Frames } from './frames.js';
import { normalOf } from './stack.js';

const inWords = { position: 'place', orientation: 'orientation', slope: 'slope', intercept: 'intercept' } as const;

/** Numbers without which the image would be another one: where they are there, they must be numbers. */
function decimals(from: Elements, name: keyof typeof inWords, count: number): number[] | undefined {
  const found = from.numbers(name, count);
  if (!found && from.text(name)) throw new DamagedFile(`the numbers of its ${inWords[name]} cannot be read`);
  return found;
}

/**
 * Sets a header's frames and the distance of its slices.
 *
 * @throws DamagedFile
 */
export function placeFrames(header: Frames, elements: Elements): void {
  if (header.frameCount > 1 && elements.items('frameGroups').length === 0) placeClassicFrames(header, elements);
  else placeGroupedFrames(header, elements);
}

/** In a multi-frame file, frames state what differs between them and share the rest (PS3.3 C.7.6.16). */
function placeGroupedFrames(header: Frames, elements: Elements): void {
  const [shared] = elements.items('sharedGroups');
  const groups = elements.items('frameGroups');
  const frames = groups.length > 0 ? groups : [elements];
  const measuresOf = (from: Elements | undefined) => from?.items('pixelMeasures')[0];
  for (const frame of frames) {
    const places = [frame, shared, elements].filter((each) => each !== undefined);
    const first = <T>(get: (from: Elements) => T | undefined) =>
      places.map(get).find((value): value is T & {} => value !== undefined);
    const placed = (from: Elements) => decimals(from.items('planePosition')[0] ?? from, 'position', 3);
    const transformed = (from: Elements) => from.items('valueTransformation')[0] ?? from;
    header.frames.push({
      position: first(placed) as Triple | undefined,
      orientation: first((from) => decimals(from.items('planeOrientation')[0] ?? from, 'orientation', 6)),
      pixelSpacing: aboveZero(first((from) => (measuresOf(from) ?? from).numbers('pixelSpacing', 2))),
      slope: first((from) => decimals(transformed(from), 'slope', 1))?.[0] ?? 1,
      intercept: first((from) => decimals(transformed(from), 'intercept', 1))?.[0] ?? 0,
    });
  }
  const spacing = sliceSpacingOf([measuresOf(groups[0]), measuresOf(shared), elements]);
  header.sliceSpacing = spacing && Math.abs(spacing);
}

const aboveZero = (spacing: number[] | undefined) => (spacing?.every((mm) => mm > 0) ? spacing : undefined);

/** The first that is stated, mm; in nuclear medicine it may be below zero. */
const sliceSpacingOf = (stated: readonly (Elements | undefined)[]) =>
  stated
    .flatMap((from) => [from?.numbers('sliceSpacing', 1)?.[0], from?.numbers('sliceThickness', 1)?.[0]])
    .find((mm) => mm !== undefined && mm !== 0);

/**
 * A multi-frame file without groups for its frames, such as a reconstruction of nuclear medicine (PS3.3 C.8.4.8) or a
 * secondary capture, says where its first frame lies. The others follow at even distances where frames are slices, which
 * they are not where they differ by time or detector.
 */
function placeClassicFrames(header: Frames, elements: Elements): void {
  const { frameCount } = header;
  const [detector] = elements.items('detectors');
  const places = [elements, detector].filter((each) => each !== undefined);
  const stated = (name: 'position' | 'orientation', count: number) =>
    places.map((from) => decimals(from, name, count)).find((value) => value !== undefined);
  const [origin, orientation] = [stated('position', 3), stated('orientation', 6)];
  const firstSlice = elements.count('firstSlice');
  const slices = firstSlice === undefined ? frameCount : (elements.count('sliceCount') ?? frameCount);
  const areSlices = elements.count('frameIncrement') === undefined || firstSlice !== undefined;
  const spacing = areSlices ? sliceSpacingOf([elements]) : undefined;
  header.sliceSpacing = spacing && Math.abs(spacing);
  header.backwards = spacing !== undefined && spacing < 0;
  const inOrder = areSlices && (firstSlice ?? 1) === 1 && frameCount % slices === 0;
  const normal = orientation && normalOf(orientation);
  const placed = (frame: number) =>
    spacing && origin && normal && inOrder
      ? (origin.map((start, axis) => start + normal[axis] * spacing * (frame % slices)) as Triple)
      : undefined;
  for (let frame = 0; frame < frameCount; frame++)
    header.frames.push({
      position: placed(frame),
      orientation,
      pixelSpacing: aboveZero(elements.numbers('pixelSpacing', 2)),
      slope: decimals(elements, 'slope', 1)?.[0] ?? 1,
      intercept: decimals(elements, 'intercept', 1)?.[0] ?? 0,
    });
}
