/** A DICOM file as programs pass it on: what kind of object it is, which one, and where its data set begins. */
import { version } from '../../core/index.js';
import { DamagedFile } from './data-set.js';
import { readElements } from './elements.js';
import { encodeMeta } from './encode.js';

/** What a file says in front of its data set. */
export interface ObjectKind {
  sopClass: string;
  instance: string;
  transferSyntax: string;
}

export interface StoredObject extends ObjectKind {
  study: string;
  series: string;
  /** The data set's place in the file, in bytes. */
  start: number;
  end: number;
}

/** A unique identifier by its syntax (PS3.5 9.1): numbers with dots between them. */
export const isUid = (text: string): boolean => text.length <= 64 && /^\d+(\.\d+)+$/.test(text);

/**
 * @returns undefined where the file is not DICOM, is damaged, or lacks an identifier
 * @throws the file system's errors
 */
export function storedObject(file: string): StoredObject | undefined {
  try {
    const read = readElements(file);
    if (!read) return undefined;
    const text = (name: Parameters<typeof read.elements.text>[0]) => read.elements.text(name) ?? '';
    const found = {
      ...{ sopClass: text('sopClass'), instance: text('instance'), transferSyntax: text('transferSyntax') },
      ...{ study: text('study'), series: text('series') },
    };
    return Object.values(found).every(isUid) ? { ...found, start: read.start, end: read.size } : undefined;
  } catch (error) {
    if (error instanceof DamagedFile) return undefined;
    throw error;
  }
}

/** What stands before a data set in a file (PS3.10 7.1). */
export const fileHead = ({ sopClass, instance, transferSyntax }: ObjectKind): Buffer =>
  encodeMeta({
    MediaStorageSOPClassUID: sopClass,
    MediaStorageSOPInstanceUID: instance,
    TransferSyntaxUID: transferSyntax,
    ImplementationVersionName: `GRAFT_${version}`,
  });
