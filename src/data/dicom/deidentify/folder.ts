/**
 * A folder of DICOM files de-identified into another: OUT/PATIENT/SERIES/INSTANCE.dcm, under names that stand for them.
 *
 * What is written follows from the input, the profile and the key alone. So a command that was interrupted is given again:
 * it leaves what is there and right, and makes the rest. The source is only read.
 */
import { createHash, createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isFolder, sha256, version, writeFileAtomic } from '../../../core/index.js';
import { DamagedFile } from '../data-set.js';
import { dicomError, type Problem, problem, reasonOf } from '../errors.js';
import { type Identifying, identifyingOf, maskerOf } from '../identifying.js';
import { pseudonymKey } from '../pseudonym.js';
import { filesIn } from '../scan.js';
import type { Done, Note } from './change.js';
import { type DeidentifiedFile, deidentifiedFile } from './file.js';
import { basic, options, type ProfileOption, standard } from './profile.js';

export interface DeidentifyOptions {
  /** The basic profile's, which always holds. */
  profile: readonly ProfileOption[];
  /** Writes images with text in their pixels, too. */
  burnedIn: boolean;
  /** uint8 [32]; default: this user's (`pseudonymKey`). */
  key?: Uint8Array;
}

/** What became of a folder; nothing in it identifies anybody. */
export interface Deidentified {
  standard: string;
  profile: { code: string; meaning: string }[];
  patients: number;
  series: number;
  /** Files that were written now, and that were there already. */
  written: number;
  present: number;
  /** What was done to which elements, over all files. */
  elements: { element: string; name: string; done: Done; count: number }[];
  problems: Problem[];
}

const reportName = 'deidentification.json';

/**
 * Yields how many files are done, and gives what became of them.
 *
 * @param input folder or file; at any depth, under any names
 * @param out new, empty, or of an earlier command with the same profile and key
 * @throws GraftError DICOM_NOT_FOUND, DEIDENTIFY_PROFILE, DEIDENTIFY_PLACE, DEIDENTIFY_OUT, PSEUDONYM_KEY, WRITE_FAILED
 */
export function* deidentifyFolder(
  input: string,
  out: string,
  { profile, burnedIn, key = pseudonymKey() }: DeidentifyOptions,
): Generator<{ done: number; total: number }, Deidentified> {
  const chosen = new Set(profile);
  if (chosen.has('retain-dates') && chosen.has('modify-dates')) throw dicomError('DEIDENTIFY_PROFILE', {});
  const tally = new Tally();
  const files = [...filesIn(input, tally)];
  assertApart(input, out);
  const settings = {
    ...{ standard, version, profile: [...chosen].sort() },
    // Tells another key from this one, and nothing of it.
    key: createHmac('sha256', key).update('check').digest('hex').slice(0, 16),
  };
  begin(out, settings);
  for (const [i, file] of files.entries()) {
    handle(file, { out, chosen, key, burnedIn }, tally);
    yield { done: i + 1, total: files.length };
  }
  const result = tally.result(input, chosen);
  const { problems, written, present, ...facts } = result;
  // Of what was left out the report says how much, not the paths.
  const warnings = problems.map(({ code }) => code);
  writeFileAtomic(
    join(out, reportName),
    `${JSON.stringify({ settings, images: written + present, ...facts, warnings, visible: tally.visible() }, null, 2)}\n`,
  );
  return result;
}

/** Where links lead, also of a path that is yet to be made. */
function realPlace(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) return realpathSync(absolute);
  const above = dirname(absolute);
  return above === absolute ? absolute : join(realPlace(above), basename(absolute));
}

function assertApart(input: string, out: string): void {
  const [from, to] = [realPlace(input), realPlace(out)];
  const within = (inner: string, outer: string) =>
    inner === outer || inner.startsWith(outer === sep ? sep : outer + sep);
  if (within(to, from) || within(from, to)) throw dicomError('DEIDENTIFY_PLACE', { out });
}

/** @throws GraftError DEIDENTIFY_OUT */
function begin(out: string, settings: object): void {
  if (existsSync(out) && !isFolder(out)) throw dicomError('DEIDENTIFY_OUT', { out, found: 'a file' });
  const file = join(out, reportName);
  const listed = existsSync(out) ? readdirSync(out).filter((name) => !name.startsWith('.')) : [];
  if (existsSync(file)) {
    let found: unknown;
    try {
      found = (JSON.parse(readFileSync(file, 'utf8')) as { settings?: unknown }).settings;
    } catch {
      // A damaged report says nothing of what was written.
    }
    if (JSON.stringify(found) !== JSON.stringify(settings))
      throw dicomError('DEIDENTIFY_OUT', { out, found: 'files that were made by another profile, key or version' });
  } else if (listed.length > 0) throw dicomError('DEIDENTIFY_OUT', { out, found: listed[0] });
  else writeFileAtomic(file, `${JSON.stringify({ settings }, null, 2)}\n`);
}

interface Settings {
  out: string;
  chosen: ReadonlySet<ProfileOption>;
  key: Uint8Array;
  burnedIn: boolean;
}

/** What is wrong with one file stops no other. */
function handle(file: string, { out, chosen, key, burnedIn }: Settings, tally: Tally): void {
  const notes: Parameters<Note>[] = [];
  try {
    const made = deidentifiedFile(file, chosen, key, (...note) => notes.push(note));
    tally.identifies(made.identifying);
    if ('reason' in made) {
      tally.leaveOut(made.reason, file);
      return;
    }
    if (made.visible.text === 'yes' && !burnedIn) {
      tally.leaveOut('text in its pixels', file);
      return;
    }
    const path = join(out, made.patient, made.series, `${made.instance}.dcm`);
    const hash = createHash('sha256');
    for (const piece of made.pieces) hash.update(piece);
    const digest = hash.digest('hex');
    const earlier = tally.digests.get(path);
    if (earlier !== undefined) {
      if (earlier !== digest) tally.leaveOut('another content under one identifier', file);
      return;
    }
    tally.digests.set(path, digest);
    if (existsSync(path) && sha256(path) === digest) tally.present++;
    else {
      writeFileAtomic(path, ...made.pieces);
      tally.written++;
    }
    tally.count(made, notes);
  } catch (error) {
    if (!(error instanceof DamagedFile) && (error as NodeJS.ErrnoException).errno === undefined) throw error;
    const read = error instanceof DamagedFile ? error.elements : undefined;
    tally.damaged.push({ file, reason: reasonOf(error), identifying: read ? identifyingOf(read) : [] });
  }
}

type Reason = 'not DICOM' | 'no image' | 'text in its pixels' | 'another content under one identifier';

const codes = {
  'not DICOM': 'DICOM_OTHER_FILES',
  'no image': 'DEIDENTIFY_NO_IMAGE',
  'text in its pixels': 'DEIDENTIFY_BURNED_IN',
  'another content under one identifier': 'DEIDENTIFY_CONFLICT',
} as const;

/** What was found on the way. */
class Tally {
  readonly damaged: { file: string; reason: string; identifying: Identifying[] }[] = [];
  /** Of what was written in this run, by path. */
  readonly digests = new Map<string, string>();
  written = 0;
  present = 0;
  readonly #left = new Map<Reason, string[]>();
  readonly #identifying = new Map<string, Identifying>();
  readonly #elements = new Map<string, Deidentified['elements'][number]>();
  readonly #patients = new Set<string>();
  /** By series: what its images may show. */
  readonly #series = new Map<string, { images: number; face: boolean; text: boolean; mosaic: boolean }>();

  identifies(all: readonly Identifying[]): void {
    for (const words of all) this.#identifying.set(words.join(' '), words);
  }

  leaveOut(reason: Reason, file: string): void {
    const files = this.#left.get(reason) ?? [];
    files.push(file);
    this.#left.set(reason, files);
  }

  count({ patient, series, visible, mosaic }: DeidentifiedFile, notes: readonly Parameters<Note>[]): void {
    this.#patients.add(patient);
    const name = `${patient}_${series}`;
    const seen = this.#series.get(name) ?? { images: 0, face: false, text: false, mosaic: false };
    seen.images++;
    seen.face ||= visible.face;
    seen.text ||= visible.text !== 'no';
    seen.mosaic ||= mosaic;
    this.#series.set(name, seen);
    for (const [element, title, done] of notes) {
      const row = this.#elements.get(`${element} ${done}`) ?? { element, name: title, done, count: 0 };
      row.count++;
      this.#elements.set(`${element} ${done}`, row);
    }
  }

  /** Series whose images are to be looked at, by name. */
  visible() {
    const those = (what: 'face' | 'text' | 'mosaic') =>
      [...this.#series].filter(([, seen]) => seen[what]).map(([name]) => name);
    return { faces: those('face'), text: those('text'), mosaics: those('mosaic') };
  }

  result(input: string, chosen: ReadonlySet<ProfileOption>): Deidentified {
    const { faces, text, mosaics } = this.visible();
    const all = [...this.#identifying.values(), ...this.damaged.flatMap(({ identifying }) => identifying)];
    const mask = maskerOf(all);
    const show = (path: string) => mask(relative(input, path) || basename(path));
    const mild = (error: Parameters<typeof problem>[0]) => problem(error, { stops: false });
    const about = (series: string[]) => ({ count: series.length, series: series[0] });
    return {
      standard,
      profile: [basic, ...[...chosen].map((name) => options[name])].map(({ code, meaning }) => ({ code, meaning })),
      patients: this.#patients.size,
      series: this.#series.size,
      ...{ written: this.written, present: this.present },
      elements: [...this.#elements.values()].sort((a, b) => (a.element < b.element ? -1 : 1)),
      problems: [
        ...this.damaged.map(({ file, reason }) =>
          problem(dicomError('DICOM_UNREADABLE', { file: show(file), reason }), { stops: true }),
        ),
        ...[...this.#left].map(([reason, files]) =>
          problem(dicomError(codes[reason], { count: files.length, file: show(files[0]) }), {
            stops: reason === 'text in its pixels' || reason === 'another content under one identifier',
          }),
        ),
        ...(text.length > 0 ? [mild(dicomError('DEIDENTIFY_TEXT', about(text)))] : []),
        ...(faces.length > 0 ? [mild(dicomError('DEIDENTIFY_FACE', about(faces)))] : []),
        ...(mosaics.length > 0 ? [mild(dicomError('DEIDENTIFY_MOSAIC', about(mosaics)))] : []),
      ],
    };
  }
}
