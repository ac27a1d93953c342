/**
 * Runs graft on a folder of awkward inputs, each through the command that a user would type, and prints what graft says
 * now beside what is right. For people: it fails nothing.
 *
 *     node test/faults/table.mjs [FOLDER]      default: ../shared/faults
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import dcmjs from 'dcmjs';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = resolve(process.argv[2] ?? join(repository, '../shared/faults'));
const graft = join(repository, 'dist/cli/main.js');
for (const [path, what] of [
  [folder, 'the folder of inputs'],
  [graft, 'the compiled command (npm run build)'],
])
  if (!existsSync(path)) {
    console.log(`Skipped: ${what} is not there (${path}).`);
    process.exit(0);
  }

/** Names stand for paths below the folder; `OUT` is a folder of the row's own, `MODEL` a small network. */
const predict = (input, ...more) => ['predict', 'MODEL', input, '--out', 'OUT/masks', ...more];
const seg = (input) => predict(input, '--format', 'dicom-seg', '--empty');
const check = (input, layout = 'auto') => ['data', 'check', layout, '--root', input];
const convert = (input) => ['data', 'convert', input, '--out', 'OUT/volumes'];
const inspect = (input) => ['data', 'inspect', input, '--sheet', 'none'];
const rows = [
  ['seg-iso2022-names/japanese', 'the name as the source says it', seg('seg-iso2022-names/japanese')],
  ['name-in-path/utf8', 'no name in messages', convert('name-in-path/utf8')],
  ['dicom-no-meta-group', 'both series done, or one named and the other done', seg('dicom-no-meta-group')],
  ['dicom-overlay', 'one volume', convert('dicom-overlay')],
  ...['SIEMENS', 'Philips'].map((maker) => [
    `enhanced-rescale-per-frame/${maker}`,
    'every frame by its own slope, or refused',
    convert(`enhanced-rescale-per-frame/${maker}`),
  ]),
  ['decimal-comma', '1.5 x 1.25 mm, or a warning', inspect('decimal-comma')],
  ['lossy-source', 'a mask that says its source was lossy', seg('lossy-source')],
  ['big-series-number/355', 'a mask with a valid series number', seg('big-series-number/355')],
  ['plain-ascii-series', 'a mask with the name of the class', seg('plain-ascii-series')],
  [
    'label-scaled-by-nibabel',
    'read: Dice 1',
    ['evaluate', 'label-scaled-by-nibabel/pred', 'label-scaled-by-nibabel/truth', '--classes', 'a,b,c,d'],
  ],
  [
    'evaluate-without-a-mask',
    'case c is named',
    ['evaluate', 'evaluate-without-a-mask/masks', 'evaluate-without-a-mask/labels'],
  ],
  ['bids-na', 'nothing is broken', check('bids-na')],
  ['bids-defacemask', 'one site, T1w', check('bids-defacemask')],
  ['nnunet-ignore-label', 'the only class is organ', inspect('nnunet-ignore-label')],
  ['monai-validation', '4 cases, 3 labels', check('monai-validation')],
  ['upper-case-extension', '2 cases', check('upper-case-extension')],
  ['upper-case-extension', 'B.nii.gz', predict('upper-case-extension/s/images/B.NII.GZ')],
  ...['dataparallel.safetensors', 'dataparallel.pth', 'plain.pth'].map((file) => [
    `checkpoint-prefixes/${file}`,
    'loaded',
    ['predict', `checkpoint-prefixes/${file}`, 'nifti-2d/slice.nii.gz', '--out', 'OUT/masks'],
  ]),
  ['nnunet-nrrd', 'only NIfTI is read, found .nrrd', check('nnunet-nrrd')],
  ['nifti-2d', 'one slice', predict('nifti-2d/slice.nii.gz')],
  ...['vox_offset_0', 'dim4_zero', 'qform_negative_pixdim', 'sform_zero_qform_valid'].map((name) => [
    `nifti-odd-headers/${name}`,
    'read',
    predict(`nifti-odd-headers/${name}.nii`),
  ]),
  ['csv-semicolons-and-a-comma', '1 case, nothing is broken', check('csv-semicolons-and-a-comma/cases.csv', 'csv')],
];

/** What of a DICOM-SEG the rows are about. */
function headerOf(file) {
  const bytes = readFileSync(file);
  const { dict } = dcmjs.data.DicomMessage.readFile(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
  const dataset = dcmjs.data.DicomMetaDictionary.naturalizeDataset(dict);
  const names = [
    ...['SpecificCharacterSet', 'PatientName', 'SeriesNumber', 'LossyImageCompression', 'LossyImageCompressionRatio'],
    'LossyImageCompressionMethod',
  ];
  const segments = [dataset.SegmentSequence ?? []].flat().map(({ SegmentLabel }) => SegmentLabel);
  return JSON.stringify({ ...Object.fromEntries(names.map((name) => [name, dataset[name]])), segments });
}

/** Runs a row's command in a folder of its own. */
function run(args) {
  const out = mkdtempSync(join(tmpdir(), 'graft-faults-'));
  try {
    const real = args.map((arg) => {
      if (arg === 'MODEL') return join(folder, 'model.safetensors');
      if (arg.startsWith('OUT')) return join(out, arg.slice(4));
      return existsSync(join(folder, arg)) && arg !== '' ? join(folder, arg) : arg;
    });
    // A home of its own: pseudonyms do not touch this user's key.
    const home = { ...process.env, HOME: out, XDG_CONFIG_HOME: out };
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [graft, ...real], {
      encoding: 'utf8',
      env: home,
      timeout: 120_000,
    });
    const found = readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(nii|nii\.gz|dcm)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
    const files = found.map((file) => relative(out, file) + (file.endsWith('.dcm') ? ` (${headerOf(file)})` : ''));
    return {
      status: status ?? signal,
      text: `${stdout}\n${stderr}`.replaceAll(`${folder}/`, '').replaceAll(out, 'OUT'),
      files,
    };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

for (const [name, right, args] of rows) {
  if (!existsSync(join(folder, name.split('/')[0]))) {
    console.log(`\n${name}: not there`);
    continue;
  }
  const { status, text, files } = run(args);
  const lines = text
    .split('\n')
    .filter((line) => line.trim() && !/^\w+: (\d+ steps|done)|^(segment|convert|check|inspect|evaluate)$/.test(line));
  console.log(`\n${name}: graft ${args.join(' ')}\n  right: ${right}\n  exit ${status}`);
  for (const line of lines.slice(0, 12)) console.log(`  | ${line}`);
  if (lines.length > 12) console.log(`  | … ${lines.length - 12} more lines`);
  if (files.length > 0) console.log(`  wrote ${files.join(', ')}`);
}
