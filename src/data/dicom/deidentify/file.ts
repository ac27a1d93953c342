/** One DICOM file de-identified, in memory. */
import { readRegular, version } from '../../../core/index.js';
import { DamagedFile } from '../data-set.js';
import { type ReadFile, readElements } from '../elements.js';
import { encodeMeta } from '../encode.js';
import { type Identifying, identifyingOf } from '../identifying.js';
import { seriesName, uidName } from '../pseudonym.js';
import { type Encoding, Window } from '../window.js';
import { changeFor, type Note, padded } from './change.js';
import { basic, options, type ProfileOption, standard } from './profile.js';
import { type Added, headOf, rewritten } from './rewrite.js';
import { subjectOf } from './subject.js';
import { Looker, type Visible } from './visible.js';

export interface DeidentifiedFile {
  /** Names for patient, series and image, fit to be shown. */
  patient: string;
  series: string;
  instance: string;
  modality: string;
  /** Slices of a Siemens mosaic are told apart by private elements, which are removed. */
  mosaic: boolean;
  visible: Visible;
  /** The new file, in pieces. */
  pieces: Uint8Array[];
}

/** What is not de-identified, with what identifies somebody in its path. */
export interface LeftOut {
  reason: 'not DICOM' | 'no image';
  identifying: Identifying[];
}

const structureSet = '1.2.840.10008.5.1.4.1.1.481.3';

/**
 * Images, segmentations and structure sets. Other objects, such as reports, documents and directories, are mostly text, of
 * which nothing would be left.
 *
 * @param note is told of every element that changes
 * @throws DamagedFile; the file system's errors
 */
export function deidentifiedFile(
  path: string,
  chosen: ReadonlySet<ProfileOption>,
  key: Uint8Array,
  note: Note,
): (DeidentifiedFile & { identifying: Identifying[] }) | LeftOut {
  const read = readElements(path);
  if (!read) return { reason: 'not DICOM', identifying: [] };
  const { elements, start, encoding } = read;
  const identifying = identifyingOf(elements);
  const [sopClass, instance, series] = [elements.text('sopClass'), elements.text('instance'), elements.text('series')];
  if (!elements.pixels && sopClass !== structureSet) return { reason: 'no image', identifying };
  if (!sopClass || !instance || !series)
    throw new DamagedFile('it does not say which series and image it is', elements);
  const subject = subjectOf(elements, key, chosen.has('retain-institution'));
  const change = changeFor(subject, chosen, note);
  const looker = new Looker();
  const bytes = readRegular(path);
  const dataset = rewritten(
    Window.over(bytes),
    start,
    encoding,
    (found) => {
      looker.look(found);
      return change(found);
    },
    stampOf(chosen, encoding),
  );
  const number = Number(elements.text('seriesNumber'));
  return {
    patient: subject.pseudonym,
    series: seriesName(series, Number.isInteger(number) ? number : undefined, key),
    instance: uidName(instance, key),
    modality: elements.text('modality') ?? 'OT',
    mosaic: elements.texts('imageType').includes('MOSAIC'),
    visible: looker.visible(elements),
    identifying,
    pieces: [metaOf(read, chosen.has('retain-uids') ? instance : subject.uid(instance)), ...dataset],
  };
}

/** Preamble and meta group say nothing of the source but its kind and encoding. */
const metaOf = ({ elements }: ReadFile, instance: string) =>
  encodeMeta({
    MediaStorageSOPClassUID: elements.text('sopClass'),
    MediaStorageSOPInstanceUID: instance,
    TransferSyntaxUID: elements.text('transferSyntax'),
    ImplementationVersionName: `GRAFT_${version}`,
  });

/** What says that, and by which rules, a file was de-identified (PS3.15 E.1.1, PS3.3 C.7.1.1 and C.7.3.1). */
function stampOf(chosen: ReadonlySet<ProfileOption>, encoding: Encoding): Added[] {
  const element = (tag: number, vr: string, text: string): Added => ({ tag, vr, value: padded(text, vr) });
  const bytesOf = ({ tag, vr, value }: Added) => Buffer.concat([headOf(tag, vr, value.length, encoding), value]);
  const codes = [basic, ...[...chosen].map((name) => options[name])].map(({ code, meaning }) => {
    const content = [
      element(0x0008_0100, 'SH', code),
      element(0x0008_0102, 'SH', 'DCM'),
      element(0x0008_0104, 'LO', meaning),
    ].map(bytesOf);
    const item = Buffer.concat(content);
    return Buffer.concat([itemHead(item.length, encoding), item]);
  });
  const times = chosen.has('retain-dates') ? 'UNMODIFIED' : chosen.has('modify-dates') ? 'MODIFIED' : 'REMOVED';
  return [
    element(0x0012_0062, 'CS', 'YES'),
    element(0x0012_0063, 'LO', `graft ${version}\\${standard} Basic Application Confidentiality Profile`),
    { tag: 0x0012_0064, vr: 'SQ', value: Buffer.concat(codes) },
    element(0x0028_0303, 'CS', times),
  ];
}

/** An item's tag has no representation in any encoding. */
const itemHead = (length: number, { littleEndian }: Encoding) =>
  headOf(0xfffe_e000, '', length, { explicit: false, littleEndian });
