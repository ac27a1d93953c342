/** What graft knows of one DICOM image before conversion: whose it is, which series, and where its frames lie. */
import { DamagedFile, type Elements } from './data-set.js';
import { readElements } from './elements.js';
import type { Frames } from './frames.js';
import { type Identifying, identifyingOf } from './identifying.js';
import { type LossyCompression, lossyOf } from './lossy.js';
import { placeFrames } from './place-frames.js';

/** Identifiers are the hospital's own: they stay in this folder of the source and never reach a message. */
export interface Header extends Frames {
  file: string;
  /** Empty where the file names none. */
  patientId: string;
  /** What tells who the patient is, for masking paths. */
  identifying: Identifying[];
  study: string;
  series: string;
  seriesNumber: number | undefined;
  instance: string;
  instanceNumber: number;
  sopClass: string;
  frameOfReference: string | undefined;
  transferSyntax: string;
  /** Undefined where the pixels are what was measured. */
  lossy: LossyCompression | undefined;
  modality: string;
  manufacturer: string | undefined;
  model: string | undefined;
  fieldStrengthT: number | undefined;
  samples: number;
  /** How pixels are stored. */
  bits: number;
  signed: boolean;
  /** Of a Siemens mosaic: how many slices its one image shows. */
  mosaicSlices: number | undefined;
}

/** A DICOM file without an image to segment: its SOP class and modality. */
export interface Imageless {
  file: string;
  kind: string;
  identifying: Identifying[];
}

/** The most bytes of pixels in a file, as for NIfTI volumes. */
const largestPixels = 2 ** 31 - 1;

/** CT, MR and PET images, classic and enhanced: without pixels they are damaged, not of another kind. */
const alwaysImages = ['2', '2.1', '4', '4.1', '128', '130'].map((kind) => `1.2.840.10008.5.1.4.1.1.${kind}`);

/**
 * Have pixels, but are no images that a scanner took of the patient to segment (PS3.4 table B.5-1): segmentations and raw
 * data, doses and the images of a treatment beam (RT Dose, RT Image and the rest of radiotherapy), and what was computed of
 * images as maps (parametric, thickness and height maps, layers of a retina), whose values dcm2niix does not scale.
 */
const notForSegmentation = ['66', '481', '30', '81.1', '82.1', '77.1.5.8'].map(
  (kind) => `1.2.840.10008.5.1.4.1.1.${kind}`,
);
const isNotForSegmentation = (sopClass: string) =>
  notForSegmentation.some((kind) => sopClass === kind || sopClass.startsWith(`${kind}.`));

/**
 * @returns undefined where the file is not DICOM
 * @throws DamagedFile; the file system's errors
 */
export function readHeader(file: string): Header | Imageless | undefined {
  const read = readElements(file);
  if (!read) return undefined;
  const { elements, size } = read;
  const { text, count } = elements;
  const sopClass = text('sopClass') ?? '';
  const modality = text('modality') ?? 'OT';
  const [rows, columns] = [count('rows'), count('columns')];
  const identifying = identifyingOf(elements);
  if (!rows || !columns || !elements.pixels || isNotForSegmentation(sopClass)) {
    if (alwaysImages.includes(sopClass)) throw new DamagedFile('it ends before the pixels', elements);
    return { file, kind: modality === 'OT' ? 'a directory or another object' : modality, identifying };
  }
  const [series, study, instance] = [text('series'), text('study'), text('instance')];
  if (!series || !instance) throw new DamagedFile('it does not say which series and image it is', elements);
  const header: Header = {
    file,
    patientId: patientIdOf(elements),
    identifying,
    study: study ?? '',
    series,
    seriesNumber: seriesNumberOf(elements),
    instance,
    instanceNumber: elements.numbers('instanceNumber', 1)?.[0] ?? 0,
    sopClass,
    frameOfReference: text('frameOfReference'),
    transferSyntax: text('transferSyntax') ?? '',
    lossy: lossyOf(elements, { rows, columns, size }),
    modality,
    manufacturer: firstOf(elements.decoded('manufacturer')),
    model: firstOf(elements.decoded('model')),
    fieldStrengthT: elements.numbers('fieldStrength', 1)?.[0],
    rows,
    columns,
    samples: count('samples') ?? 1,
    bits: count('bits') ?? 16,
    signed: count('signed') === 1,
    frameCount: elements.numbers('frames', 1)?.[0] ?? 1,
    mosaicSlices: elements.texts('imageType').includes('MOSAIC') ? count('mosaicSlices') : undefined,
    sliceSpacing: undefined,
    backwards: false,
    frames: [],
  };
  checkPixels(header, elements, size);
  placeFrames(header, elements);
  return header;
}

const firstOf = (text: string | undefined) => text?.split('\\')[0].trim() || undefined;

/** A number that is none by the standard (VR IS) tells nothing. */
function seriesNumberOf(elements: Elements): number | undefined {
  const [number] = elements.numbers('seriesNumber', 1) ?? [];
  return number !== undefined && Number.isInteger(number) && Math.abs(number) < 2 ** 31 ? number : undefined;
}

/** As bytes, which pseudonyms are made of: a name stays the same whatever graft knows of character sets. */
const patientIdOf = (elements: Elements) =>
  (elements.bytes('patientId')?.toString('latin1') ?? '').split('\\')[0].trim();

/** The pixels that the header announces must be there; nothing is allocated for what it merely announces. */
function checkPixels({ rows, columns, samples, frameCount, bits }: Header, elements: Elements, size: number): void {
  const pixels = elements.pixels!;
  const announced = Math.ceil((rows * columns * samples * frameCount * bits) / 8);
  const shape = `${columns} x ${rows} pixels in ${frameCount} frames`;
  if (!(frameCount >= 1 && announced <= largestPixels))
    throw new DamagedFile(
      `its header announces ${shape}, more than the ${largestPixels} bytes that graft takes`,
      elements,
    );
  if (pixels.length === undefined && frameCount <= size) return;
  const present = Math.min(pixels.length ?? size, size - pixels.offset);
  if (present < announced)
    throw new DamagedFile(`its header announces ${shape}, which are ${announced} bytes; it holds ${present}`, elements);
}
