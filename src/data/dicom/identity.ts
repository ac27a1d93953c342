/**
 * The elements of a source that an archive files an object by, for a new object of the same study: who the patient is and
 * which study it is.
 *
 * Where all their text decodes, it is written as UTF-8. Where some does not, all is copied as the bytes it is, with the
 * source's own character sets, so that a program that reads the source reads the same here.
 */
import { type AttributeName, attributes } from './attributes.js';
import { decodeText } from './charset.js';
import { type Elements, personNames } from './data-set.js';
import { type Dataset, longest } from './encode.js';
import { dicomError } from './errors.js';
import type { Header } from './header.js';
import type { TagName } from './tags.js';

interface Rule {
  valid?: RegExp;
  /** Files objects: a value that breaks the rules is refused, as a changed one would be another patient's. */
  key?: true;
  /** May be absent; others are at least empty. */
  optional?: true;
}
/** Each by its names here and there and for people. */
const copied: readonly [name: AttributeName, from: TagName, title: string, rule?: Rule][] = [
  ['PatientName', 'patientName', "patient's name", { key: true }],
  ['PatientID', 'patientId', 'Patient ID', { key: true }],
  ['IssuerOfPatientID', 'issuerOfPatientId', 'Issuer of Patient ID', { key: true, optional: true }],
  ['PatientBirthDate', 'birthDate', 'birth date', { valid: /^\d{8}$/ }],
  ['PatientSex', 'sex', 'sex', { valid: /^[MFO]$/ }],
  ['StudyInstanceUID', 'study', 'Study Instance UID', { valid: /^[\d.]+$/, key: true }],
  ['StudyDate', 'studyDate', 'study date', { valid: /^\d{8}$/ }],
  ['StudyTime', 'studyTime', 'study time', { valid: /^\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?$/ }],
  ['StudyID', 'studyId', 'Study ID'],
  ['AccessionNumber', 'accession', 'accession number'],
  ['ReferringPhysicianName', 'referringPhysician', "referring physician's name"],
  ['StudyDescription', 'studyDescription', 'study description', { optional: true }],
];

export interface Identity {
  /** The elements, with Specific Character Set. */
  elements: Dataset;
  /** Text of graft's own in a form that the character set can hold. */
  own: (text: string) => string;
}

/**
 * @param name of the series, for errors
 * @throws GraftError DICOM_SEG_IDENTITY where an element that names the patient or study breaks DICOM's rules
 */
export function identityOf(source: Elements, name: string): Identity {
  const sets = source.texts('characterSet');
  const decoded = new Map(
    copied.flatMap(([, from]) => {
      const bytes = source.bytes(from);
      return bytes ? [[from, decodeText(bytes, sets, isName(from) ? 'name' : 'text')]] : [];
    }),
  );
  const unicode = [...decoded.values()].every((text) => text !== undefined);
  const elements: Dataset = { SpecificCharacterSet: unicode ? 'ISO_IR 192' : sets.length > 0 ? sets : undefined };
  for (const [element, from, title, rule = {}] of copied) {
    const bytes = source.bytes(from);
    const text = (unicode ? decoded.get(from) : bytes?.toString('latin1')) ?? source.text(from) ?? '';
    const fits = follows(text, element, from, rule);
    if (rule.key && !fits) throw dicomError('DICOM_SEG_IDENTITY', { series: name, element: title });
    if (rule.optional && !(fits && text)) continue;
    elements[element] = !fits ? '' : !unicode && bytes ? bytes : text;
  }
  const holdsUnicode = unicode || sets[0] === 'ISO_IR 192';
  return { elements, own: holdsUnicode ? (text) => text : asciiOf };
}

/** Identifiers of a source as references to it repeat them. @throws GraftError DICOM_SEG_IDENTITY where they are none */
export function assertIdentifiers(headers: readonly Header[], name: string): void {
  for (const { series, instance, sopClass } of headers)
    for (const [element, value] of Object.entries({
      'Series Instance UID': series,
      'SOP Instance UID': instance,
      'SOP Class UID': sopClass,
    }))
      if (!isIdentifier(value)) throw dicomError('DICOM_SEG_IDENTITY', { series: name, element });
}

export const isIdentifier = (text: string): boolean => /^[\d.]{1,64}$/.test(text);

const isName = (from: TagName) => personNames.includes(from);

/** A name holds up to three ways of writing it (PS3.5 6.2.1), each as long as a name may be. */
function follows(text: string, element: AttributeName, from: TagName, { valid }: Rule): boolean {
  const groups = isName(from) ? text.split('=') : [text];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: DICOM forbids them; escapes belong to text kept as bytes.
  if (groups.length > 3 || /[\u0000-\u001a\u001c-\u001f\u007f\\]/.test(text)) return false;
  const most = longest[attributes[element].vr] ?? Number.POSITIVE_INFINITY;
  return groups.every((group) => [...group].length <= most) && (valid?.test(text) ?? true);
}

/** Letters without their marks; what has no such letter is a question mark. */
export const asciiOf = (text: string): string =>
  text
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\u0020-\u007e]/gu, '?');
