/** An inspection as text: tables of series, cases and sites, what is broken, and what needs a choice. */
import type { ImageFacts } from '../../../data/index.js';
import { casesOnSheet, type Inspection } from '../../../jobs/index.js';
import { asOption } from '../../settings.js';
import { type Cell, formatTable } from '../../table.js';

/** Bars of a histogram printed for one case. */
const bars = 16;

/** A column with the volumes of one class. */
interface ClassColumn {
  value: number;
  header: string;
}

/** @param width of the terminal in characters @param bold as in a command's context */
export function describeInspection(inspection: Inspection, width: number, bold: (text: string) => string): string {
  const { cases, warnings, faults, notes, sheets } = inspection;
  const classes = classColumns(inspection);
  const broken = [...faults, ...cases.flatMap((one) => one.faults)];
  const parts = [
    ...(cases.some(({ series }) => series) ? [seriesTable(inspection, width)] : []),
    ...(cases.some(({ image }) => image)
      ? [caseTable(inspection, classes, width), siteTable(inspection, classes, width)]
      : []),
    section(
      bold(`Broken (${broken.length}):`),
      broken.map(({ message, hint }) => [message, hint]),
    ),
    section(
      bold(`Before training (${warnings.length}):`),
      warnings.map(({ topic, message, advice, recipe }) => [
        `${bold(topic)}: ${message}`,
        advice,
        ...(recipe === undefined ? [] : [`in the recipe:  ${recipe}`, `on graft train: ${asOption(recipe)}`]),
      ]),
    ),
    section(
      bold(`Left alone (${notes.length}):`),
      notes.map(({ message, hint }) => [message, hint]),
    ),
    [summaryOf(inspection), ...sheetLines(sheets)].join('\n'),
  ];
  return parts.filter(Boolean).join('\n\n');
}

function sheetLines(sheets: readonly string[]): string[] {
  if (sheets.length < 2) return sheets.map((sheet) => `Contact sheet: ${sheet}`);
  return [`Contact sheets: ${sheets[0]} to ${sheets[sheets.length - 1]}, ${casesOnSheet} cases on each`];
}

/** A title, and entries whose first line stands out; empty without entries. */
function section(title: string, entries: string[][]): string {
  if (entries.length === 0) return '';
  return [
    title,
    ...entries.map(([first, ...rest]) => [`  ${first}`, ...rest.map((line) => `    ${line}`)].join('\n')),
  ].join('\n');
}

function summaryOf({ kind, cases, warnings }: Inspection): string {
  const places = new Set(cases.map(({ site }) => site)).size;
  const patients = new Set(cases.map(({ series }) => series?.patient)).size;
  const what = {
    'data set': `${counted(cases.length, 'case')} at ${counted(places, 'site')}`,
    volumes: `no layout that graft knows: ${counted(cases.length, 'volume')} in ${counted(places, 'folder')}, each taken for an image`,
    DICOM: `${counted(cases.length, 'series', 'series')} of ${counted(patients, 'patient')}`,
  }[kind];
  const whole = cases.filter((one) => one.image && one.faults.length === 0).length;
  const labelled = kind === 'data set' ? `, ${cases.filter(({ label }) => label).length} with a label` : '';
  return `${what}; ${whole} in order${labelled}; ${counted(warnings.length, 'warning')}.`;
}

const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** A column for every value that occurs in a label. */
function classColumns({ cases, classes }: Inspection): ClassColumn[] {
  const values = new Set(cases.flatMap(({ label }) => Object.keys(label?.millilitres ?? {}).map(Number)));
  return [...values]
    .sort((a, b) => a - b)
    .map((value) => ({ value, header: `${classes?.[value - 1] ?? `label ${value}`} ml` }));
}

/** What the headers of DICOM say; sizes as acquired. */
function seriesTable({ cases }: Inspection, width: number): string {
  const header = ['patient', 'series', 'kind', 'maker', 'model', 'T', sizeHeader, 'mm', 'frames', 'volumes', 'pixels'];
  const rows = cases.flatMap(({ series, volumes }): Cell[][] => {
    if (!series) return [];
    const { patient, modality, manufacturer, model, fieldStrengthT: field, size, spacing, frames } = series;
    const scanner = [modality, manufacturer, model, field === undefined ? undefined : short(field)];
    const grid = [inOrder(size, String), spacing && inOrder(spacing, short)];
    return [[patient, series.series, ...scanner, ...grid, frames, volumes || undefined, series.transferSyntax]];
  });
  return formatTable(header, rows, { width });
}

function caseTable({ cases }: Inspection, classes: ClassColumn[], width: number): string {
  const images = ['axes', 'type', 'unit', '1 %', 'median', '99 %', 'histogram'];
  const header = ['site', 'case', sizeHeader, 'mm', ...images, ...classes.map((one) => one.header)];
  const rows = cases.flatMap(({ site, name, image, label }) =>
    image
      ? [
          [
            site,
            name,
            ...imageCells(image),
            ...classes.map(({ value }) => (label ? short(label.millilitres[value] ?? 0) : undefined)),
          ],
        ]
      : [],
  );
  return formatTable(header, rows, { width });
}

function imageCells({ size, spacing, axes, type, unit, intensity, histogram }: ImageFacts): Cell[] {
  const { p1, median, p99 } = intensity;
  const grid = [inOrder(size, String), inOrder(spacing, short), axes, type, unit];
  return [...grid, short(p1), short(median), short(p99), sparkline(rebin(histogram.shares, bars))];
}

function siteTable({ sites }: Inspection, classes: ClassColumn[], width: number): string {
  const range = ({ least, greatest }: { least: number; greatest: number }) =>
    short(least) === short(greatest) ? short(least) : `${short(least)}–${short(greatest)}`;
  const images = ['axes', 'unit', 'intensities', 'histogram'];
  const header = ['site', 'cases', 'labels', sizeHeader, 'mm', ...images, ...classes.map((one) => one.header)];
  const rows = sites.map((one) => [
    one.name,
    one.cases,
    one.labelled,
    inOrder(one.size, range),
    inOrder(one.spacing, range),
    one.axes.map(([code, cases]) => (one.axes.length > 1 ? `${code} ${cases}` : code)).join(', '),
    one.units.join(', '),
    `${short(one.histogram.low)} to ${short(one.histogram.high)}`,
    sparkline(one.histogram.shares),
    ...classes.map(({ value }) => (one.millilitres[value] ? range(one.millilitres[value]) : undefined)),
  ]);
  return formatTable(header, rows, { width });
}

const sizeHeader = 'size x, y, z';

/** [z, y, x] as people write it: `x x y x z`. */
const inOrder = <Value>([z, y, x]: [Value, Value, Value], text: (value: Value) => string) =>
  [x, y, z].map(text).join(' x ');

/** Three digits. */
const short = (value: number) => String(Number(value.toPrecision(3)));

/** Neighbouring bins together; the number of bins is a multiple of `count`. */
function rebin(shares: number[], count: number): number[] {
  const size = shares.length / count;
  return Array.from({ length: count }, (_, i) =>
    shares.slice(i * size, (i + 1) * size).reduce((sum, share) => sum + share, 0),
  );
}

/** A bar of eight heights for each share, after its square root: the background would else flatten all the rest. */
function sparkline(shares: number[]): string {
  const most = Math.sqrt(Math.max(...shares)) || 1;
  const bar = (share: number) => '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor((8 * Math.sqrt(share)) / most))];
  return shares.map((share) => (share === 0 ? ' ' : bar(share))).join('');
}
