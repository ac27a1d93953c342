/**
 * What a folder of DICOM files holds, from their headers alone: patients by pseudonym, series, and what is wrong with them.
 * Nothing that a header tells of a person leaves: no name, identifier, date, description or unique identifier.
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Pausing, pause, runWithoutPauses } from '../../core/index.js';
import { DamagedFile } from './data-set.js';
import type { DicomSeries } from './dicom-series.js';
import { readElements } from './elements.js';
import { dicomError, type Problem, problem, reasonOf } from './errors.js';
import { type Header, type Imageless, readHeader } from './header.js';
import { type Identifying, identifyingOf, maskerOf } from './identifying.js';
import { pseudonymKey } from './pseudonym.js';
import { describeSeries, patientOf } from './series.js';

export interface DicomScan {
  /** As it may be shown. */
  folder: string;
  /** Sorted by patient and number. */
  series: DicomSeries[];
  /** What concerns no single series: damaged files, files without an image, folders with several patients. */
  problems: Problem[];
}

/** Some hundredths of a second. */
const filesBetweenPauses = 100;

/**
 * Looks at all files in a folder, at any depth and under any names, or at one file. A file that cannot be used becomes a
 * problem and stops nothing.
 *
 * @param options.key for the pseudonyms, uint8 [32]; otherwise this user's (`pseudonymKey`)
 * @throws GraftError DICOM_NOT_FOUND, PSEUDONYM_KEY
 */
export const scanDicom = (folder: string, options: { key?: Uint8Array } = {}): DicomScan =>
  runWithoutPauses(scanDicomWithPauses(folder, options));

/** As `scanDicom`, with pauses: a folder may hold a hundred thousand files. */
export function* scanDicomWithPauses(
  folder: string,
  { key = pseudonymKey() }: { key?: Uint8Array } = {},
): Pausing<DicomScan> {
  const found: Found = { headers: [], imageless: [], others: [], damaged: [] };
  let files = 0;
  for (const file of filesIn(folder, found)) {
    lookAt(file, found);
    if (++files % filesBetweenPauses === 0) yield pause;
  }
  const show = shower(folder, found);

  const groups = groupBy(found.headers, ({ series }) => series);
  const series = [...groups.values()].map((headers) => describeSeries(headers, key, show));
  series.sort((a, b) => a.patient.localeCompare(b.patient) || a.series.localeCompare(b.series));
  return { folder: show(folder), series, problems: problemsOf(found, key, show) };
}

/** @throws GraftError DICOM_NONE where the scan found no series */
export function assertSeries({ folder, series, problems }: DicomScan): void {
  if (series.length > 0) return;
  const found = problems.map(({ message }) => message.replace(/\.$/, '')).join('; ') || 'no file at all';
  throw dicomError('DICOM_NONE', { path: folder, found });
}

/** Whether a path is for `scanDicom`: a folder, or a file with the DICM marker. A path that leads nowhere is not. */
export function isDicom(path: string): boolean {
  if (isFolder(path)) return true;
  try {
    return readElements(path) !== undefined;
  } catch (error) {
    return error instanceof DamagedFile;
  }
}

interface Found {
  headers: Header[];
  imageless: Imageless[];
  others: string[];
  damaged: { file: string; reason: string; identifying: Identifying[] }[];
}

/** All files in a folder, at any depth; folders that cannot be read become damaged ones. @throws GraftError DICOM_NOT_FOUND */
export function* filesIn(path: string, found: Pick<Found, 'damaged'>): Generator<string> {
  let status: ReturnType<typeof statSync>;
  try {
    status = statSync(path);
  } catch {
    throw dicomError('DICOM_NOT_FOUND', { path });
  }
  if (!status.isDirectory()) {
    yield path;
    return;
  }
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const inside = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(inside);
        // Links to folders could lead round in circles; links to files are how some archives store them.
        else if (entry.isFile() || (entry.isSymbolicLink() && !isFolder(inside))) yield inside;
      }
    } catch (error) {
      found.damaged.push({ file: folder, reason: reasonOf(error), identifying: [] });
    }
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function lookAt(file: string, found: Found): void {
  try {
    const header = readHeader(file);
    if (!header) found.others.push(file);
    else if ('kind' in header) found.imageless.push(header);
    else found.headers.push(header);
  } catch (error) {
    const read = error instanceof DamagedFile ? error.elements : undefined;
    found.damaged.push({ file, reason: reasonOf(error), identifying: read ? identifyingOf(read) : [] });
  }
}

/** Of data sets, not of DICOM: they are many, and need not be opened. */
const otherKinds = /\.(nii|nii\.gz|json|csv|tsv|txt|yaml|md)$/i;

/** Masks in texts about a folder what its DICOM files say of patients: data sets may lie beside them, or be looked for there. */
export function patientMask(folder: string): (text: string) => string {
  const found: Found = { headers: [], imageless: [], others: [], damaged: [] };
  for (const file of filesIn(folder, found)) if (!otherKinds.test(file)) lookAt(file, found);
  return maskOf(found);
}

const maskOf = ({ headers, imageless, damaged }: Found) =>
  maskerOf([...headers, ...imageless, ...damaged].flatMap(({ identifying }) => identifying));

/** How a path is shown: from the folder on, and without what the headers say of patients. */
function shower(folder: string, found: Found): (path: string) => string {
  const mask = maskOf(found);
  return (path) => mask(path === folder ? folder : relative(folder, path) || '.');
}

function problemsOf(found: Found, key: Uint8Array, show: (path: string) => string): Problem[] {
  const { damaged, imageless, others, headers } = found;
  const mild = (error: Parameters<typeof problem>[0]) => problem(error, { stops: false });
  const problems = damaged.map(({ file, reason }) =>
    mild(dicomError('DICOM_UNREADABLE', { file: show(file), reason })),
  );
  for (const [place, inside] of groupBy(headers, ({ file }) => dirname(file))) {
    const patients = new Set(inside.map((header) => patientOf(header, key)));
    if (patients.size < 2) continue;
    const values = { place: `the folder ${show(place)}`, count: patients.size, patients: [...patients].join(', ') };
    problems.push(mild(dicomError('DICOM_PATIENTS_MIXED', values)));
  }
  if (imageless.length > 0) {
    const [{ file, kind }] = imageless;
    problems.push(mild(dicomError('DICOM_NOT_IMAGE', { count: imageless.length, file: show(file), kind })));
  }
  if (others.length > 0)
    problems.push(mild(dicomError('DICOM_OTHER_FILES', { count: others.length, file: show(others[0]) })));
  return problems;
}

function groupBy<Value>(values: readonly Value[], keyOf: (value: Value) => string): Map<string, Value[]> {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return groups;
}
