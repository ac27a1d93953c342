/** What can be wrong with DICOM: faults of a scan, which are listed and stop nothing else, and errors that are thrown. */
import { errorsOf, type GraftError } from '../../core/index.js';

export const dicomErrors = {
  DICOM_NOT_FOUND: {
    exit: 'data',
    message: '{path}: there is no such file or folder.',
    hint: 'Give a folder that holds DICOM files, in any order and under any names.',
  },
  DICOM_NONE: {
    exit: 'data',
    message: '{path}: expected DICOM images, found {found}.',
    hint: 'Give the folder that the archive or scanner exported; a DICOMDIR alone holds no images. NIfTI files need no conversion.',
  },
  DICOM_UNREADABLE: {
    exit: 'data',
    message: '{file}: the DICOM file could not be read: {reason}.',
    hint: 'Export or copy the file again; the others of its series are of use only when the series is whole.',
  },
  DICOM_OTHER_FILES: {
    exit: 'data',
    message: 'Files that are not DICOM: {count}, for example {file}.',
    hint: 'They are left alone. If they should be DICOM, export them again: they neither have its marker nor begin as its files do.',
  },
  DICOM_NOT_IMAGE: {
    exit: 'data',
    message: 'DICOM files without an image to segment: {count}, for example {file} ({kind}).',
    hint: 'Reports, plans, doses, segmentations, maps that were computed of images, and directories are left alone.',
  },
  DICOM_NOT_GREY: {
    exit: 'data',
    message: '{series}: expected one grey value a pixel, found {found}.',
    hint: 'Colour pictures, such as saved screens, are no measurement. Choose the original series.',
  },
  DICOM_PATIENTS_MIXED: {
    exit: 'data',
    message: '{place}: holds images of {count} patients ({patients}).',
    hint: 'Check that this is meant. Series are told apart by their identifiers, never by folders; one series with several patients is not converted.',
  },
  DICOM_COPIES: {
    exit: 'data',
    message: '{series}: further copies of images that are there already: {count}, for example {file}.',
    hint: 'One of each is used. Remove the copies to be sure which.',
  },
  DICOM_IDENTIFIER_SHARED: {
    exit: 'data',
    message: '{series}: its {count} images have only {identifiers} identifiers (SOP Instance UID) among them.',
    hint: 'Images in other places are no copies: all are used. A DICOM-SEG cannot be written on them, as it refers to images by their identifiers. Export the series again by a program that keeps them.',
  },
  DICOM_SLICES_DUPLICATE: {
    exit: 'data',
    message: '{series}: duplicate slices: {count}; a position has {found} where others have {expected}.',
    hint: 'Perhaps two reconstructions share a series. Keep the files of one of them.',
  },
  DICOM_SLICES_MISSING: {
    exit: 'data',
    message: '{series}: missing slices: {count}; the first gap is {gap}.',
    hint: 'Export the whole series again. A volume with gaps would be segmented in the wrong geometry.',
  },
  DICOM_SPACING_VARIES: {
    exit: 'data',
    message: '{series}: slices lie from {least} to {most} mm apart.',
    hint: 'The volume has even spacing: where distances differ by more than 0.2 mm it is interpolated, which blurs it between slices; otherwise slices lie slightly off their places. A DICOM-SEG cannot be written on an interpolated volume.',
  },
  DICOM_GANTRY_TILT: {
    exit: 'data',
    message: '{series}: the slices are shifted against each other (gantry tilt of {degrees} degrees).',
    hint: 'The volume is straightened by interpolation. A DICOM-SEG cannot be written on it.',
  },
  DICOM_SPACING_ABSENT: {
    exit: 'data',
    message: '{series}: its images do not say how far apart their {what} are.',
    hint: 'A NIfTI file of it holds a guess and says that its unit is unknown; nothing is predicted or measured on it. Export the original series, or set its spacing (Pixel Spacing, Spacing Between Slices).',
  },
  DICOM_PLACE_ABSENT: {
    exit: 'data',
    message: '{series}: {count} of its images do not say where in the patient they lie.',
    hint: 'Their order is that of their numbers; left and right, and up and down, are guesses. Export the original series.',
  },
  DICOM_PIXELS_DIFFER: {
    exit: 'data',
    message: '{series}: expected pixels of one type and size, found {found}.',
    hint: 'Perhaps two series share an identifier. Keep the files of one of them.',
  },
  DICOM_RESCALE_VARIES: {
    exit: 'data',
    message: '{series}: the frames of a file have slopes and intercepts of their own, and its volume is interpolated.',
    hint: 'Export the series as classic (not enhanced) DICOM: one image a file.',
  },
  DICOM_CONVERSION: {
    exit: 'data',
    message: '{series}: could not be converted: {reason}.',
    hint: 'Export the series again, if possible without compression and as classic (not enhanced) DICOM.',
  },
  DICOM_SEG_SOURCE: {
    exit: 'usage',
    message: '{path}: masks as DICOM were asked for, but this is not DICOM.',
    hint: 'Such masks refer to the series that was segmented: name its folder, or leave out --format.',
  },
  DICOM_SEG_GEOMETRY: {
    exit: 'data',
    message: '{series}: masks as DICOM were asked for, but {reason}.',
    hint: 'A DICOM-SEG or structure set needs masks on the very slices of the series. Use --format nifti.',
  },
  DICOM_SEG_IDENTITY: {
    exit: 'data',
    message:
      '{series}: masks as DICOM were asked for, but the {element} of its source is missing or breaks the rules of DICOM.',
    hint: 'An archive files objects by it, so graft does not change it. Correct the source in the archive, or use --format nifti.',
  },
  DEIDENTIFY_PROFILE: {
    exit: 'usage',
    message: 'The options retain-dates and modify-dates exclude each other.',
    hint: 'retain-dates leaves dates as they are; modify-dates moves all dates of a patient by the same number of days.',
  },
  DEIDENTIFY_PLACE: {
    exit: 'usage',
    message: '{out}: lies inside the folder that is to be de-identified, or holds it.',
    hint: 'Name a folder elsewhere, so that originals and what may be passed on stay apart.',
  },
  DEIDENTIFY_OUT: {
    exit: 'usage',
    message: '{out}: expected a new or empty folder, or one of the same command; found {found}.',
    hint: 'Name another folder: what is in one folder should be made by one profile and one key.',
  },
  DEIDENTIFY_NO_IMAGE: {
    exit: 'data',
    message: 'DICOM files without an image, which were not written: {count}, for example {file}.',
    hint: 'Reports, documents, presentation states and directories are mostly text about the patient; of them nothing would be left.',
  },
  DEIDENTIFY_BURNED_IN: {
    exit: 'data',
    message: 'Images with text in their pixels, which were not written: {count}, for example {file}.',
    hint: 'Their headers say so, they hold an overlay in unused bits, or they are pictures of a screen. Look at them; --burned-in writes them as they are.',
  },
  DEIDENTIFY_CONFLICT: {
    exit: 'data',
    message:
      'Files that have the identifier of another image and another content, which were not written: {count}, for example {file}.',
    hint: 'An identifier belongs to one image. Remove the wrong files, and give the command again with another OUT.',
  },
  DEIDENTIFY_TEXT: {
    exit: 'data',
    message: 'Series that may show text in their pixels: {count}, for example {series}.',
    hint: 'Pixels are not changed. Look at every image of these series before they are passed on.',
  },
  DEIDENTIFY_FACE: {
    exit: 'data',
    message: 'Series of a head, from which a face could be drawn: {count}, for example {series}.',
    hint: 'Pixels are not changed. Remove the faces with a program for that before the images are passed on.',
  },
  DEIDENTIFY_MOSAIC: {
    exit: 'data',
    message: 'Series stored as mosaics, whose private elements are removed: {count}, for example {series}.',
    hint: 'Without these elements no program can take the slices apart. Convert such series to NIfTI instead (graft data convert).',
  },
  DICOM_CODES_INVALID: {
    exit: 'usage',
    message: '{file}: expected codes of classes, found a problem: {problems}.',
    hint: 'Write YAML or JSON: a list "classes", each with a name and, as needed, code, category, modifier and region (value, meaning, and scheme where it is not SCT) and colour (#rrggbb). docs/dicom.md has an example.',
  },
  PSEUDONYM_KEY: {
    exit: 'system',
    message: '{file}: expected a key of 32 bytes, found {found}.',
    hint: 'Restore the file from a backup: with another key, patients get other pseudonyms. Remove it to start with a new key.',
  },
  PSEUDONYM_KEY_MISSING: {
    exit: 'system',
    message: '{file}: there is no key of pseudonyms.',
    hint: 'Name the key under which the pseudonym was made with --key; it lies where "graft data convert" or "graft predict" ran.',
  },
  PSEUDONYM_INVALID: {
    exit: 'usage',
    message: '"{pseudonym}" is no pseudonym.',
    hint: 'Give a patient’s (patient-1a2b3c4d), a series’ (003-5e6f7a8b), or the name of a file that graft named by them.',
  },
  PSEUDONYM_UNKNOWN: {
    exit: 'data',
    message: '{pseudonym}: is none of the {count} series in the folder, under this key.',
    hint: 'Look in the folder that was converted, with the key of that time and user (--key FILE).',
  },
} as const;

export const dicomError = errorsOf(dicomErrors);

const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  ENOENT: 'it is not there any more, or a link to nothing',
};

/** Why a file could not be used, without its path: that may name a patient. */
export function reasonOf(error: unknown): string {
  const { code, errno, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? (errno === undefined ? message : (code ?? 'it cannot be read'));
}

/** A fault as data: what `DicomScan` lists. Messages name patients by pseudonym alone. */
export interface Problem {
  code: string;
  message: string;
  hint: string;
  /** Whether the series cannot be converted because of it. */
  stops: boolean;
}

export const problem = ({ code, message, hint }: GraftError, { stops }: { stops: boolean }): Problem => ({
  code,
  message,
  hint,
  stops,
});
