/** Whatever a source's header says, what graft writes keeps the rules of DICOM's value representations (PS3.5 table 6.2-1). */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GraftError } from '../../src/core/index.js';
import { convertDicomSeries, scanDicom, writeDicomSegmentation } from '../../src/data/index.js';
import { key, temporaryFolder, writeCodedSeries, writeSeries } from './fixtures.js';

const root = temporaryFolder();

interface Element {
  tag: string;
  vr: string;
  value: Buffer;
}

/** Every element of a file in explicit VR little endian, those in sequences too. */
function* walk(bytes: Buffer, from = 132, to = bytes.length): Generator<Element> {
  for (let at = from; at < to; ) {
    const tag = [0, 2]
      .map((shift) =>
        bytes
          .readUInt16LE(at + shift)
          .toString(16)
          .padStart(4, '0'),
      )
      .join('');
    if (tag === 'fffee000') {
      at += 8;
      continue;
    }
    const vr = bytes.toString('latin1', at + 4, at + 6);
    const long = ['OB', 'SQ', 'UT'].includes(vr);
    const length = long ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
    const start = at + (long ? 12 : 8);
    expect([tag, start + length <= to, length % 2]).toEqual([tag, true, 0]);
    if (vr === 'SQ') yield* walk(bytes, start, start + length);
    else yield { tag, vr, value: bytes.subarray(start, start + length) };
    at = start + length;
  }
}

const rules: Record<string, RegExp> = {
  AT: /^/,
  CS: /^[A-Z0-9 _]{0,16}$/,
  DA: /^(\d{8})?$/,
  DS: /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i,
  IS: /^-?\d{1,10}$/,
  LO: /^[^\\]{0,64}$/u,
  LT: /^[\s\S]{0,10240}$/u,
  PN: /^[^\\=]{0,64}(=[^\\=]{0,64}){0,2}$/u,
  SH: /^[^\\]{0,16}$/u,
  ST: /^[\s\S]{0,1024}$/u,
  TM: /^(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?$/,
  UT: /^[\s\S]*$/u,
  UI: /^[\d.]{1,64}$/,
};

function broken(bytes: Buffer): string[] {
  const elements = [...walk(bytes)];
  const unicode = elements.some(({ tag, value }) => tag === '00080005' && value.toString().trim() === 'ISO_IR 192');
  return elements.flatMap(({ tag, vr, value }) => {
    if (['OB', 'US', 'UL', 'AT'].includes(vr)) return [];
    const text = value.toString(unicode ? 'utf8' : 'latin1').replace(vr === 'UI' ? /\0$/ : / +$/, '');
    const values = ['CS', 'DS', 'IS', 'UI'].includes(vr) ? text.split('\\') : [text];
    const keeps = values.every(
      (one) =>
        rules[vr].test(one) &&
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
        !/[\u0000-\u0009\u000b-\u001a\u001c-\u001f\u007f]/.test(one) &&
        (vr !== 'DS' || one.length <= 16) &&
        (vr !== 'IS' || Math.abs(Number(one)) < 2 ** 31),
    );
    return keeps ? [] : [`${tag} ${vr} ${JSON.stringify(text)}`];
  });
}

it('a DICOM-SEG keeps every rule of its values, or is refused by name', async () => {
  writeSeries(join(root, 'good'), { slices: 2 });
  const [volume] = await convertDicomSeries(scanDicom(join(root, 'good'), { key }).series[0]);
  const labels = Uint8Array.from(volume.data, (_, i) => i % 3);
  const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((value) => Buffer.from(value));
  const written = (max: number) =>
    fc.oneof(
      bytes(max),
      fc.string({ maxLength: max }).map((text) => Buffer.from(text)),
    );
  const header = fc.record({
    sets: fc.constantFrom([], ['ISO_IR 100'], ['ISO_IR 192'], ['', 'ISO 2022 IR 87'], ['GB18030'], ['ISO_IR 13']),
    PatientName: written(80),
    PatientID: written(70),
    AccessionNumber: written(20),
    StudyID: written(20),
    StudyDescription: written(70),
    SeriesNumber: fc.constantFrom('3', '99999999999', '-7', '1.5', 'x', ''),
    StudyDate: fc.constantFrom('20240101', '2024.01.01', '1', ''),
    StudyTime: fc.constantFrom('101112.123', '10:11', '9', ''),
    PatientSex: fc.constantFrom('F', 'f', 'woman', ''),
    Manufacturer: written(70),
    classes: fc.tuple(fc.string({ maxLength: 80, unit: 'grapheme' }), fc.string({ maxLength: 80 })),
    warning: fc.string({ maxLength: 90, unit: 'grapheme' }),
  });
  let made = 0;
  await fc.assert(
    fc.asyncProperty(header, async ({ sets, classes, warning, ...values }) => {
      const { SeriesNumber, StudyDate, StudyTime, PatientSex, ...coded } = values;
      const folder = join(root, 'nasty');
      rmSync(folder, { recursive: true, force: true });
      writeCodedSeries(folder, sets, coded, {
        slices: 2,
        change: () => ({ SeriesNumber, StudyDate, StudyTime, PatientSex }),
      });
      const [series] = scanDicom(folder, { key }).series;
      const file = join(root, 'nasty.dcm');
      try {
        await writeDicomSegmentation(file, labels, { ...volume, path: `${series.patient}_${series.series}` }, series, {
          classes,
          warnings: [warning],
        });
      } catch (error) {
        expect(error).toBeInstanceOf(GraftError);
        return;
      }
      made++;
      expect(broken(readFileSync(file))).toEqual([]);
    }),
    { numRuns: 60, seed: 1 },
  );
  expect(made).toBeGreaterThan(10);
});
