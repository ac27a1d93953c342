/**
 * De-identified files: nothing that was planted in any place of a file is in any byte of what is written, in any encoding of
 * text; pixels and geometry are what they were; and nothing is lost when a command is interrupted or badly placed.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runWithoutPauses } from '../../src/core/index.js';
import { convertDicomSeries, deidentifyFolder, type ProfileOption, scanDicom } from '../../src/data/index.js';
import { compressed } from './compressed.js';
import { decode, key, type SeriesOptions, temporaryFolder, writeSeries } from './fixtures.js';

const root = temporaryFolder();
let count = 0;
const place = () => join(root, `place${count++}`);

const run = (input: string, out: string, profile: ProfileOption[] = [], burnedIn = false) =>
  runWithoutPauses(deidentifyFolder(input, out, { profile, burnedIn, key }));

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
const images = (folder: string) => filesIn(folder).filter((file) => file.endsWith('.dcm'));

interface Encoding {
  syntax: string;
  explicit: boolean;
  little: boolean;
}
const encodings: Record<string, Encoding> = {
  'explicit VR little endian': { syntax: '1.2.840.10008.1.2.1', explicit: true, little: true },
  'implicit VR little endian': { syntax: '1.2.840.10008.1.2', explicit: false, little: true },
  'explicit VR big endian': { syntax: '1.2.840.10008.1.2.2', explicit: true, little: false },
};

type Value = string | Uint8Array | number | Element[][];
/** Tag, representation, value; a list of lists is a sequence. */
type Element = [tag: number, vr: string, value: Value];

const pad = (bytes: Buffer) => (bytes.length % 2 ? Buffer.concat([bytes, Buffer.from(' ')]) : bytes);

/** A writer of its own, so that reader and writer do not share a mistake. `open`: sequences without a stated length. */
function encodeElements(elements: readonly Element[], encoding: Encoding, open = false): Buffer {
  const u16 = (value: number) => {
    const bytes = Buffer.alloc(2);
    if (encoding.little) bytes.writeUInt16LE(value);
    else bytes.writeUInt16BE(value);
    return bytes;
  };
  const u32 = (value: number) =>
    encoding.little
      ? Buffer.concat([u16(value % 65536), u16(Math.floor(value / 65536))])
      : Buffer.concat([u16(Math.floor(value / 65536)), u16(value % 65536)]);
  const tagBytes = (tag: number) => Buffer.concat([u16(Math.floor(tag / 65536)), u16(tag % 65536)]);
  const sorted = [...elements].sort(([a], [b]) => a - b);
  return Buffer.concat(
    sorted.map(([tag, vr, value]) => {
      let bytes: Buffer;
      if (Array.isArray(value)) {
        const items = value.map((item) => {
          const inside = encodeElements(item, encoding, open);
          return open
            ? Buffer.concat([tagBytes(0xfffee000), u32(0xffffffff), inside, tagBytes(0xfffee00d), u32(0)])
            : Buffer.concat([tagBytes(0xfffee000), u32(inside.length), inside]);
        });
        bytes = Buffer.concat([...items, ...(open ? [tagBytes(0xfffee0dd), u32(0)] : [])]);
      } else if (typeof value === 'number') bytes = u16(value);
      else bytes = pad(Buffer.from(value as string));
      const length = Array.isArray(value) && open ? 0xffffffff : bytes.length;
      const long = ['SQ', 'OB', 'OW', 'UN', 'UT', 'UC', 'UR'].includes(vr);
      const head = !encoding.explicit
        ? [u32(length)]
        : long
          ? [Buffer.from(vr), u16(0), u32(length)]
          : [Buffer.from(vr), u16(length)];
      return Buffer.concat([tagBytes(tag), ...head, bytes]);
    }),
  );
}

const pixels = Buffer.from(Uint16Array.from({ length: 12 }, (_, i) => 1000 + 7 * i).buffer);
const uid = '1.2.826.0.1.3680043.8.498.4711';
const image = (more: readonly Element[] = []): Element[] => {
  const base: Element[] = [
    [0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.4'],
    [0x00080018, 'UI', `${uid}.3`],
    [0x00080060, 'CS', 'MR'],
    [0x00100010, 'PN', 'PLANTED^NAME'],
    [0x00100020, 'LO', 'PLANTED-ID'],
    [0x0020000d, 'UI', `${uid}.1`],
    [0x0020000e, 'UI', `${uid}.2`],
    [0x00200032, 'DS', '1\\2\\3'],
    [0x00280010, 'US', 3],
    [0x00280011, 'US', 4],
    [0x00280100, 'US', 16],
    [0x7fe00010, 'OW', pixels],
  ];
  const given = new Set(more.map(([tag]) => tag));
  return [...base.filter(([tag]) => !given.has(tag)), ...more];
};

/** With the preamble and the meta group that a source may have. */
function writeImage(
  folder: string,
  more: readonly Element[] = [],
  encoding = encodings['explicit VR little endian'],
  { open = false, end = '' } = {},
): string {
  mkdirSync(folder, { recursive: true });
  const meta = encodeElements(
    [
      [0x00020002, 'UI', '1.2.840.10008.5.1.4.1.1.4'],
      [0x00020003, 'UI', `${uid}.3`],
      [0x00020010, 'UI', encoding.syntax],
      [0x00020016, 'AE', 'PLANTED_META'],
      [0x00020100, 'UI', `${uid}.7`],
      [0x00020102, 'OB', Buffer.from('PLANTED PRIVATE META')],
    ],
    encodings['explicit VR little endian'],
  );
  const file = join(folder, `PLANTED-${readdirSync(folder).length}`);
  const preamble = Buffer.alloc(128, 'PLANTED PREAMBLE');
  writeFileSync(
    file,
    Buffer.concat([preamble, Buffer.from('DICM'), meta, encodeElements(image(more), encoding, open), Buffer.from(end)]),
  );
  return file;
}

/** In every place where a file may say who the patient is. */
const everywhere: Element[] = [
  [0x00080005, 'CS', 'ISO_IR 192'],
  [0x00080020, 'DA', '20240229'],
  [0x00080050, 'SH', 'PLANTEDACC'],
  [0x00080070, 'LO', 'ACME of NAME'], // not in the table, and names the patient
  [0x00080080, 'LO', 'PLANTED HOSPITAL'],
  [0x0008103e, 'LO', 'PLANTED T1 sagittal head'],
  [
    0x00081250,
    'SQ',
    [
      [
        [0x0020000d, 'UI', `${uid}.8`],
        [0x00081250, 'SQ', [[[0x00100010, 'PN', 'PLANTED^DEEP']]]],
      ],
    ],
  ],
  [0x00091001, 'LO', 'PLANTED PRIVATE'],
  [0x00090010, 'LO', 'PLANTED CREATOR'],
  [0x00091002, 'UN', Buffer.from('PLANTED UNKNOWN')],
  [0x00091003, 'SQ', [[[0x00091001, 'LO', 'PLANTED IN PRIVATE']]]],
  [0x00100030, 'DA', '19440229'],
  [0x00104000, 'LT', 'PLANTED COMMENT'],
  [0x00120023, 'SQ', [[[0x00120020, 'LO', 'PLANTED TRIAL']]]],
  [0x00189999, 'LO', 'PLANTED IN NO STANDARD'],
  [0x00209156, 'US', 1],
  [0x00340102, 'LO', 'PLANTED NEWER'],
  [
    0x00400275,
    'SQ',
    [
      [
        [0x00400007, 'LO', 'PLANTED STEP'],
        [0x00321060, 'LO', 'PLANTED PROCEDURE'],
      ],
    ],
  ],
  [0x0040a123, 'PN', 'PLANTED^OBSERVER'],
  [
    0x00880200,
    'SQ',
    [
      [
        [0x00280010, 'US', 3],
        [0x7fe00010, 'OB', Buffer.from('PLANTED ICON')],
      ],
    ],
  ],
  [0x50003000, 'OB', Buffer.from('PLANTED CURVE')],
  [0x60000010, 'US', 3],
  [0x60000022, 'LO', 'PLANTED OVERLAY'],
  [0x60003000, 'OW', Buffer.from('PLANTED OVERLAY DATA')],
  [0x60021500, 'LO', 'PLANTED LABEL'],
  [0x00660032, 'LT', 'PLANTED PARAMETERS'],
];

const secrets = [
  ...['planted', '^name', 'of name', '20240229', '19440229', '3680043', '4711'],
  ...['Müstermann', 'Ямада', '山田', 'やまだ', '洪^吉洞'],
];
/** The same text as the bytes that it is in all encodings of DICOM and of operating systems. */
function* spellings(secret: string): Generator<Buffer> {
  for (const encoding of ['utf8', 'latin1', 'utf16le'] as const) yield Buffer.from(secret, encoding);
  yield Buffer.from(secret, 'utf16le').swap16();
  yield Buffer.from(Buffer.from(secret, 'utf8').toString('base64').replace(/=+$/, '').slice(0, -2));
}
const coded = ['bbb3c5c4', '243b33454f', '1b24423b3345443b', 'fbf3d1ceebf9', 'd4dcd0d4d0'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

function leaks(folder: string): string[] {
  const needles = [...secrets.flatMap((secret) => [...spellings(secret)]), ...coded];
  return filesIn(folder).flatMap((file) => {
    const bytes = readFileSync(file);
    // Letters in any case; what is no ASCII stays as it is.
    const small = Buffer.from(bytes.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte)));
    const found = needles.filter((needle) => small.includes(needle) || bytes.includes(needle));
    return [
      ...found.map((needle) => `${file}: ${needle}`),
      ...(secrets.some((one) => file.slice(root.length).toLowerCase().includes(one)) ? [file] : []),
    ];
  });
}

describe('what was planted is in no byte of what is written', () => {
  for (const [name, encoding] of Object.entries(encodings))
    it.each([
      ['stated', false],
      ['open', true],
    ])(`${name}, sequences of %s length`, (_, open) => {
      const [input, out] = [place(), place()];
      writeImage(input, everywhere, encoding, { open, end: 'PLANTED BEHIND THE END' });
      expect(leaks(input)).not.toEqual([]);
      const { written, problems } = run(input, out);
      expect([written, problems.map(({ code }) => code)]).toEqual([1, ['DEIDENTIFY_FACE']]);
      expect(leaks(out)).toEqual([]);
      const [file] = images(out);
      const bytes = readFileSync(file);
      const stored = encodeElements([[0x7fe00010, 'OW', pixels]], encoding);
      expect(bytes.subarray(-stored.length)).toEqual(stored);
      const set = decode(bytes);
      expect([set.PatientName, set.PatientIdentityRemoved, set.Rows]).toEqual([expect.anything(), 'YES', 3]);
      expect(set.PatientID).toMatch(/^patient-[0-9a-f]{16}$/);
      expect(set.LongitudinalTemporalInformationModified).toBe('REMOVED');
    });

  it.each([
    ['ISO_IR 100', 'PatientName', Buffer.from('Müstermann^Mäx', 'latin1')],
    ['ISO_IR 192', 'PatientName', Buffer.from('Müstermann^Mäx=山田^やまだ=洪^吉洞')],
    ['ISO_IR 144', 'PatientName', Buffer.from('bbb3c5c4d4dcd0d4d0', 'hex')],
    [
      '\\ISO 2022 IR 87',
      'PatientName',
      Buffer.from('59616d6164615e3d1b24423b3345441b28423d1b2442243b33454f1b2842', 'hex'),
    ],
    ['\\ISO 2022 IR 149', 'PatientName', Buffer.from('486f6e673d1b242943fbf31b2429435e1b242943d1ceebf9', 'hex')],
  ])('in the character set %s', (sets, _, name) => {
    const [input, out] = [place(), place()];
    const more: Element[] = [
      [0x00080005, 'CS', sets],
      [0x00100010, 'PN', name],
      [0x00080070, 'LO', name],
      [0x00081030, 'LO', Buffer.concat([Buffer.from('T1 '), name])],
    ];
    writeImage(input, more);
    for (const profile of [[], ['clean-descriptors']] as ProfileOption[][]) {
      const to = join(out, String(profile.length));
      expect(run(input, to, profile).written).toBe(1);
      expect(leaks(to)).toEqual([]);
    }
  });

  it('with every option that keeps something beside identifiers and dates', () => {
    const [input, out] = [place(), place()];
    writeImage(input, everywhere);
    run(input, out, ['retain-patient', 'retain-device', 'clean-descriptors', 'modify-dates']);
    expect(leaks(out)).toEqual([]);
    expect(decode(readFileSync(images(out)[0])).SeriesDescription).toBe('T1 sagittal head');
  });

  it('whatever the patient is called', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-zÀ-ž]{3,12}\^[A-Za-zÀ-ž]{3,12}$/), (name) => {
        const [input, out] = [place(), place()];
        writeImage(input, [
          [0x00080005, 'CS', 'ISO_IR 192'],
          [0x00080070, 'LO', `Scanner of ${name.replace('^', ' ')}`],
          [0x00081030, 'LO', name],
          [0x00100010, 'PN', name],
        ]);
        run(input, out, ['clean-descriptors', 'retain-device']);
        const bytes = readFileSync(images(out)[0]);
        for (const part of name.split('^')) expect(bytes.includes(part)).toBe(false);
        rmSync(input, { recursive: true });
        rmSync(out, { recursive: true });
      }),
      { numRuns: 15 },
    );
  });
});

describe('pixels and geometry are unchanged:', () => {
  it('a series converts to the same volume', async () => {
    const [input, out] = [place(), place()];
    writeSeries(input, { spacing: 3 });
    run(input, out);
    expect(leaks(out)).toEqual([]);
    const [before] = scanDicom(input, { key }).series;
    const [after] = scanDicom(out, { key }).series;
    const [[a], [b]] = await Promise.all([convertDicomSeries(before), convertDicomSeries(after)]);
    expect([b.shape, b.spacing, b.affine]).toEqual([a.shape, a.spacing, a.affine]);
    expect(b.data).toEqual(a.data);
  });

  it.each(compressed)('compressed as %s, to the byte', (_, syntax, fragment) => {
    const [input, out] = [place(), place()];
    const stream = Buffer.from(fragment, 'base64');
    const narrow = syntax.endsWith('.50');
    const change = () => ({
      ...(narrow && { BitsAllocated: 8, BitsStored: 8, HighBit: 7 }),
      ...{ PixelRepresentation: 0, PixelData: [new Uint8Array(stream).buffer], _vrMap: { PixelData: 'OB' } },
      _meta: { TransferSyntaxUID: { Value: [syntax] } },
    });
    const [file] = writeSeries(input, { slices: 1, change } as SeriesOptions);
    run(input, out);
    const [before, after] = [readFileSync(file), readFileSync(images(out)[0])];
    const at = (bytes: Buffer) => bytes.subarray(bytes.indexOf(Buffer.from('e07f1000', 'hex')));
    expect(at(after)).toEqual(at(before));
    expect(leaks(out)).toEqual([]);
  });
});

describe('what belongs together stays together:', () => {
  const elements = (file: string) => decode(readFileSync(file));

  it('patients, studies and references have the same identifiers in every run, and others under another key', () => {
    const input = place();
    for (const i of [1, 2])
      writeImage(input, [
        [0x00080018, 'UI', `${uid}.${i}`],
        [
          0x00081140,
          'SQ',
          [
            [
              [0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.4'],
              [0x00081155, 'UI', `${uid}.${3 - i}`],
            ],
          ],
        ],
      ]);
    const [out, again, other] = [place(), place(), place()];
    run(input, out);
    run(input, again);
    runWithoutPauses(deidentifyFolder(input, other, { profile: [], burnedIn: false, key: new Uint8Array(32).fill(9) }));
    const [one, two] = images(out).map(elements);
    const referred = ({ ReferencedImageSequence }: typeof one) =>
      ([ReferencedImageSequence].flat() as Record<string, unknown>[])[0].ReferencedSOPInstanceUID;
    expect([referred(one), referred(two)]).toEqual([two.SOPInstanceUID, one.SOPInstanceUID]);
    expect(one.SOPInstanceUID).toMatch(/^2\.25\.\d{1,39}$/);
    expect(one.StudyInstanceUID).toBe(two.StudyInstanceUID);
    expect(images(again).map((file) => readFileSync(file))).toEqual(images(out).map((file) => readFileSync(file)));
    expect(elements(images(other)[0]).PatientID).not.toBe(one.PatientID);
  });

  it('dates of a patient are moved by the same number of days, times stay', () => {
    const [input, out] = [place(), place()];
    const days = ['20240227', '20240301'];
    for (const [i, day] of days.entries())
      writeImage(input, [
        ...([
          [0x00080018, 'UI', `${uid}.${i}`],
          [0x00080020, 'DA', day],
          [0x00080030, 'TM', '101112'],
        ] as Element[]),
        [0x0008002a, 'DT', `${day}101112.5+0100`],
        [0x00100030, 'DA', '19440229'],
      ]);
    run(input, out, ['modify-dates']);
    const sets = images(out)
      .map(elements)
      .sort((a, b) => String(a.StudyDate).localeCompare(String(b.StudyDate)));
    const [first, second] = sets.map(({ StudyDate }) =>
      Date.parse(String(StudyDate).replace(/(....)(..)(..)/, '$1-$2-$3')),
    );
    expect((second - first) / 86_400_000).toBe(3);
    expect(second).toBeLessThan(Date.UTC(2024, 1, 27));
    const { StudyTime, AcquisitionDateTime, StudyDate, PatientBirthDate } = sets[0];
    expect([StudyTime, String(AcquisitionDateTime).trim()]).toEqual(['101112', `${StudyDate}101112.5+0100`]);
    expect([PatientBirthDate].flat().join('')).toBe('');
    expect(sets[0].LongitudinalTemporalInformationModified).toBe('MODIFIED');
  });

  it('options keep what they name, and the file says which held', () => {
    const [input, out] = [place(), place()];
    writeImage(input, [
      ...([
        [0x00080020, 'DA', '20240229'],
        [0x00101010, 'AS', '093Y'],
        [0x00100040, 'CS', 'F'],
      ] as Element[]),
      ...([
        [0x00181000, 'LO', 'SN-1'],
        [0x00080080, 'LO', 'General'],
      ] as Element[]),
    ]);
    run(input, out, ['retain-uids', 'retain-dates', 'retain-patient', 'retain-device', 'retain-institution']);
    const set = elements(images(out)[0]);
    const { StudyDate, PatientAge, PatientSex, DeviceSerialNumber, InstitutionName, SOPInstanceUID } = set;
    expect({ StudyDate, PatientAge, PatientSex, DeviceSerialNumber, InstitutionName, SOPInstanceUID }).toEqual({
      ...{ StudyDate: '20240229', PatientAge: '090Y', PatientSex: 'F', DeviceSerialNumber: 'SN-1' },
      ...{ InstitutionName: 'General', SOPInstanceUID: `${uid}.3` },
    });
    const codes = (set.DeidentificationMethodCodeSequence as Record<string, unknown>[]).map(
      ({ CodeValue }) => CodeValue,
    );
    expect(codes.sort()).toEqual(['113100', '113106', '113108', '113109', '113110', '113112']);
    expect(set.LongitudinalTemporalInformationModified).toBe('UNMODIFIED');
  });
});

describe('what pixels show', () => {
  it('holds an image back that says so, unless asked for', () => {
    const input = place();
    writeImage(input, [[0x00280301, 'CS', 'YES']]);
    writeImage(input, [
      [0x00080018, 'UI', `${uid}.5`],
      [0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7'],
    ]);
    writeImage(input, [
      [0x00080018, 'UI', `${uid}.6`],
      [0x60000102, 'US', 12],
    ]);
    const held = run(input, place());
    expect([held.written, held.problems.map(({ code, stops }) => [code, stops])]).toEqual([
      0,
      [['DEIDENTIFY_BURNED_IN', true]],
    ]);
    const kept = run(input, place(), [], true);
    expect([kept.written, kept.problems.map(({ code }) => code)]).toEqual([3, ['DEIDENTIFY_TEXT']]);
  });

  it('is warned of where kinds of images often show text', () => {
    const input = place();
    writeImage(input, [[0x00080060, 'CS', 'US']]);
    expect(run(input, place()).problems.map(({ code }) => code)).toEqual(['DEIDENTIFY_TEXT']);
  });
});

describe('nothing is lost:', () => {
  const digests = (folder: string) =>
    filesIn(folder).map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'));

  it('an OUT inside IN, around it, or linked to it is refused, and IN is as it was', () => {
    const input = place();
    writeImage(input, everywhere);
    const before = digests(input);
    const link = place();
    symlinkSync(input, link);
    for (const out of [input, join(input, 'out'), root, link, join(link, 'a', 'b')])
      expect(() => run(input, out)).toThrowError(expect.objectContaining({ code: 'DEIDENTIFY_PLACE' }));
    expect(digests(input)).toEqual(before);
  });

  it('what was interrupted goes on to the same files', () => {
    const [input, whole, part] = [place(), place(), place()];
    writeSeries(input);
    run(input, whole);
    const work = deidentifyFolder(input, part, { profile: [], burnedIn: false, key });
    for (let i = 0; i < 3; i++) work.next();
    work.return(undefined as never);
    expect(images(part)).toHaveLength(3);
    const cut = images(part)[0];
    writeFileSync(cut, readFileSync(cut).subarray(0, 200));
    expect(run(input, part)).toMatchObject({ written: 3, present: 2 });
    expect(digests(part)).toEqual(digests(whole));
  });

  it('files of another profile, key or hand are not mixed with these', () => {
    const [input, out, foreign] = [place(), place(), place()];
    writeImage(input);
    run(input, out);
    expect(() => run(input, out, ['retain-uids'])).toThrowError(expect.objectContaining({ code: 'DEIDENTIFY_OUT' }));
    cpSync(input, foreign, { recursive: true });
    expect(() => run(input, foreign)).toThrowError(expect.objectContaining({ code: 'DEIDENTIFY_OUT' }));
  });

  it('two images under one identifier, damaged files and other objects are told of, not written', () => {
    const [input, out] = [place(), place()];
    const first = writeImage(input);
    writeFileSync(`${first}-copy`, readFileSync(first));
    writeImage(input, [[0x00280011, 'US', 2]]);
    writeFileSync(join(input, 'PLANTED-cut'), readFileSync(first).subarray(0, 600));
    writeFileSync(join(input, 'notes.txt'), 'PLANTED');
    const report = writeImage(input, [[0x00080018, 'UI', `${uid}.77`]]);
    const bytes = readFileSync(report);
    writeFileSync(report, bytes.subarray(0, bytes.length - pixels.length - 12));
    const { written, problems } = run(input, out);
    expect(written).toBe(1);
    expect(problems.map(({ code }) => code).sort()).toEqual([
      'DEIDENTIFY_CONFLICT',
      'DEIDENTIFY_NO_IMAGE',
      'DICOM_OTHER_FILES',
      'DICOM_UNREADABLE',
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/planted/i);
    expect(existsSync(out) && leaks(out)).toEqual([]);
  });
});
