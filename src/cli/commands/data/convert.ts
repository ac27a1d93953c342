/** `graft data convert`: DICOM series as NIfTI files under pseudonyms. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { exitCodes, GraftError, writeFileAtomic } from '../../../core/index.js';
import type { DicomSeries } from '../../../data/index.js';
import { auditOption, startAudit } from '../../audit.js';
import { defineCommand } from '../../command.js';
import type { ProgressEvent } from '../../progress.js';
import { type Cell, formatTable } from '../../table.js';

interface Row {
  patient: string;
  series: string;
  modality: string;
  /** [slices, rows, columns] */
  size: number[];
  files: string[];
  /** Why there are no files. */
  fault?: { code: string; message: string; hint: string };
}

export const registerConvert = (group: Command): void =>
  defineCommand(group, {
    name: 'convert',
    summary: 'Make NIfTI files of DICOM series',
    details:
      'Finds the series in FOLDER, at any depth and under any file names, and writes OUT/PATIENT_SERIES.nii.gz for each, ' +
      'as dcm2niix converts them; a series with several volumes (time points, echoes) gives a file for each. PATIENT and ' +
      'SERIES are pseudonyms under a key that stays on this machine (~/.config/graft/pseudonym.key); no text of the ' +
      'headers is carried over but modality, manufacturer and model, which lie beside each in a file .json, for training ' +
      'and adaptation to know. ' +
      `A series that cannot be converted stops no other; the exit code is then ${exitCodes.data}.`,
    arguments: { '<folder>': 'folder of DICOM files, or one multi-frame file' },
    options: async () => {
      const { z } = await import('zod');
      return z.strictObject({ out: z.string().describe('folder for the NIfTI files'), ...auditOption(z) });
    },
    examples: [
      ['graft data convert /export/2024-05 --out converted', 'every series of an export'],
      [
        'graft data convert /export/mr-2 --out data/prostate/mr-2/images',
        'as the images of the site mr-2 of a data set',
      ],
    ],
    async run(context, { out, audit }, folder) {
      const { assertSeries, scanDicom } = await import('../../../data/index.js');
      const scan = scanDicom(folder);
      assertSeries(scan);
      using record = await startAudit(context, 'data convert', { folder: out, audit });
      const rows: Row[] = [];
      async function* convertAll(): AsyncGenerator<ProgressEvent, void> {
        const total = scan.series.length;
        yield { kind: 'task', name: 'convert', total };
        for (const [i, one] of scan.series.entries()) {
          context.signal.throwIfAborted();
          const { patient, series, modality, size } = one;
          record.reads(`${patient}_${series}`, ...one.files);
          const { files, fault } = await convertTo(out, one);
          rows.push({ patient, series, modality, size, files, ...(fault && { fault }) });
          for (const file of files) record.writes(file);
          if (fault) record.warns(`not converted: ${fault.message}`);
          yield { kind: 'step', done: i + 1, total };
        }
        yield { kind: 'done', name: 'convert' };
      }
      await context.follow(convertAll());
      const problems = [...scan.problems, ...scan.series.flatMap((one) => one.problems.filter(({ stops }) => !stops))];
      for (const { message } of problems) record.warns(message);
      record.finish();
      context.print({ out, series: rows, problems }, () => {
        const header = ['patient', 'series', 'modality', 'slices', 'rows', 'columns', 'files'];
        const cells = rows.map(({ patient, series, modality, size, files, fault }): Cell[] => [
          ...[patient, series, modality, ...size],
          fault ? fault.code : files.length,
        ]);
        return [
          formatTable(header, cells, { width: context.width }),
          ...rows.flatMap(({ fault }) => (fault ? [`not converted: ${fault.message} ${fault.hint}`] : [])),
          ...problems.map(({ message, hint }) => `note: ${message} ${hint}`),
        ].join('\n');
      });
      const broken = rows.some(({ fault }) => fault) || problems.some(({ code }) => code === 'DICOM_UNREADABLE');
      return broken ? exitCodes.data : 0;
    },
  });

/** Writes the volumes of a series; what is wrong with it is told, not thrown. */
async function convertTo(out: string, series: DicomSeries): Promise<Pick<Row, 'files' | 'fault'>> {
  const { niftiOfSeries, writeTagsBeside } = await import('../../../data/index.js');
  try {
    const volumes = await niftiOfSeries(series);
    return {
      files: volumes.map(({ name, bytes }) => {
        const file = join(out, `${name}.nii.gz`);
        writeFileAtomic(file, gzipSync(bytes));
        writeTagsBeside(file, series);
        return file;
      }),
    };
  } catch (error) {
    if (!(error instanceof GraftError) || error.exitCode !== exitCodes.data) throw error;
    const { code, message, hint } = error;
    return { files: [], fault: { code, message, hint } };
  }
}
