/** DICOM series to look at: a scanner is a site, a series of a patient a case. */
import type { Pausing } from '../../core/index.js';
import { convertDicomSeries, type DicomSeries, scanDicomWithPauses } from '../../data/index.js';
import type { Source, Sources } from './source.js';

/** Problems of a scan that are none of the images': files that hold something else. */
const leftAlone = ['DICOM_OTHER_FILES', 'DICOM_NOT_IMAGE'];

/** @param root an existing folder; without DICOM files there are no sources */
export function* findSeries(root: string): Pausing<Omit<Sources, 'kind'>> {
  const scan = yield* scanDicomWithPauses(root);
  return {
    root: scan.folder,
    sources: scan.series.map(seriesSource),
    faults: scan.problems.filter(({ code }) => !leftAlone.includes(code)),
    notes: scan.problems.filter(({ code }) => leftAlone.includes(code)),
  };
}

function seriesSource(found: DicomSeries): Source {
  const { files: _, problems, ...series } = found;
  const { modality, manufacturer, model, fieldStrengthT } = series;
  const field = fieldStrengthT === undefined ? undefined : `${fieldStrengthT} T`;
  return {
    site: [modality, manufacturer, model, field].filter(Boolean).join(' '),
    name: `${series.patient}/${series.series}`,
    series,
    faults: problems,
    images: () => convertDicomSeries(found),
    label: () => undefined,
  };
}
