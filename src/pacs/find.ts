/** Searches (QIDO-RS, PS3.18 10.6): studies, and the images of one. */
import { pseudonymise, pseudonymKey } from '../data/index.js';
import type { Archive, ArchivedStudy } from './archive.js';
import { pacsError } from './errors.js';
import { askJson } from './request.js';

/** What a study must be like; an asterisk stands for any letters. */
export interface Search {
  patientId?: string | undefined;
  patientName?: string | undefined;
  accession?: string | undefined;
  /** `20240101`, or a range such as `20240101-20240131`. */
  date?: string | undefined;
  modality?: string | undefined;
  study?: string | undefined;
  /** The most studies. */
  limit: number;
}

/** A study as the archive lists it; the patient by pseudonym. */
export interface FoundStudy {
  patient: string;
  study: string;
  date: string;
  modalities: string[];
  description: string;
  series: number | undefined;
  images: number | undefined;
}

export interface FoundImage {
  series: string;
  instance: string;
}

const keys = {
  patientId: 'PatientID',
  patientName: 'PatientName',
  accession: 'AccessionNumber',
  date: 'StudyDate',
  modality: 'ModalitiesInStudy',
  study: 'StudyInstanceUID',
} as const;

/** Of a list in JSON: some kB for each study or image. */
const largestList = 2 ** 26;
const page = 1000;

/** @throws GraftError PACS_ANSWER, and as `ask` */
export async function findStudies(archive: Archive, search: Search, signal?: AbortSignal): Promise<FoundStudy[]> {
  const key = pseudonymKey();
  const wanted = Object.entries(keys).flatMap(([name, element]) => {
    const value = search[name as keyof typeof keys];
    return value === undefined ? [] : [[element, value] as const];
  });
  const query = [
    ...wanted,
    ...['StudyDescription', 'ModalitiesInStudy', '00201206', '00201208'].map((name) => ['includefield', name] as const),
    ['limit', String(search.limit)] as const,
  ];
  const found = await listed(archive, { path: '/studies', query, what: 'a search for studies', signal });
  return found.slice(0, search.limit).map((one) => ({
    patient: pseudonymise(one.text('00100020') || `study ${one.text('0020000D')}`, key),
    study: one.text('0020000D'),
    date: one.text('00080020'),
    modalities: one.texts('00080061'),
    description: one.text('00081030'),
    series: one.count('00201206'),
    images: one.count('00201208'),
  }));
}

/** The images of a study or series. @throws GraftError PACS_NOT_FOUND, and as `findStudies` */
export async function findImages(
  { archive, study, series }: ArchivedStudy,
  signal?: AbortSignal,
): Promise<FoundImage[]> {
  const path = `/studies/${study}${series === undefined ? '' : `/series/${series}`}/instances`;
  const images = new Map<string, FoundImage>();
  for (let offset = 0; ; offset += page) {
    const query = [['limit', String(page)] as const, ['offset', String(offset)] as const];
    const found = await listed(archive, { path, query, what: 'a search for images', signal });
    const before = images.size;
    for (const one of found) {
      const image = { series: one.text('0020000E') || (series ?? ''), instance: one.text('00080018') };
      for (const uid of Object.values(image))
        if (!/^[\d.]{1,64}$/.test(uid)) throw unfit(archive, 'an image without identifiers');
      images.set(image.instance, image);
    }
    // Some archives have no pages and list all at once.
    if (found.length !== page || images.size === before) break;
  }
  if (images.size === 0)
    throw pacsError('PACS_NOT_FOUND', {
      host: archive.url.host,
      what: series === undefined ? 'such study' : 'such series',
    });
  return [...images.values()];
}

const unfit = ({ url: { host } }: Archive, found: string) =>
  pacsError('PACS_ANSWER', { host, what: 'a search', found });

/** An entry of a list in DICOM's JSON (PS3.18 F). */
interface Entry {
  texts: (tag: string) => string[];
  /** Empty where there is none. */
  text: (tag: string) => string;
  count: (tag: string) => number | undefined;
}

async function listed(archive: Archive, asked: Omit<Parameters<typeof askJson>[1], 'limit'>): Promise<Entry[]> {
  const list = await askJson(archive, { ...asked, limit: largestList });
  if (!Array.isArray(list)) throw unfit(archive, 'no list');
  return list.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) throw unfit(archive, 'a list of something else');
    const texts = (tag: string) => {
      const { Value: value } = (entry as Record<string, { Value?: unknown } | undefined>)[tag] ?? {};
      return (Array.isArray(value) ? value : []).filter((one) => ['string', 'number'].includes(typeof one)).map(String);
    };
    const text = (tag: string) => texts(tag)[0]?.trim() ?? '';
    return { texts, text, count: (tag) => (/^\d+$/.test(text(tag)) ? Number(text(tag)) : undefined) };
  });
}
