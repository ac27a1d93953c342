/**
 * What a comparison shows for certain, in words: the headline of a report, and what the terminal says above its table.
 *
 * A difference is certain where p < 0.05 after Holm's correction. Which method the sentence is about is fixed before
 * there are results; the one with the best mean is often the one that was lucky.
 */
import { type Comparison, type Row, titleOf } from '../compare/index.js';
import { change, counted, fixed, type Headline, listed } from '../report/index.js';

const LEVEL = 0.05;

export interface Question {
  /** The entry that is asked about. */
  main: string;
  /** How sentences name an entry; the baseline too. */
  labelOf(entry: string): string;
  /** What is compared: `method` or `plan`. */
  noun: string;
  /** How many there were. */
  seeds: number;
}

export function verdictOn(comparison: Comparison, { main, labelOf, noun, seeds }: Question): Headline {
  const { rows } = comparison.groups[0];
  const { unit } = comparison;
  const title = titleOf(comparison.measure, comparison.toleranceMm);
  const base = labelOf(comparison.baseline);
  const tested = rows.flatMap((row) => (row.against ? [{ ...row, against: row.against }] : []));
  const subject = tested.find(({ entry }) => entry === main) ?? tested[0];
  if (!subject) return { sentence: `Nothing was scored on the same cases as ${base}.`, more: [] };

  const evidence = ({ against: { interval, pairs } }: Tested) =>
    [
      interval ? `95 % interval ${fixed(interval[0])} to ${fixed(interval[1])}` : 'too few for an interval',
      counted(pairs, unit),
      counted(seeds, 'seed'),
    ].join(', ');
  const signed = ({ against: { difference } }: Tested) => change(difference, 0);
  const gain = (row: Tested) => {
    const { difference } = row.against;
    const [verb, than] = difference > 0 ? ['gains', 'over'] : ['loses', 'against'];
    return `${labelOf(row.entry)} ${verb} ${fixed(Math.abs(difference))} ${title} ${than} ${base} (${evidence(row)})`;
  };

  const certain = tested.filter(({ against }) => against.adjusted < LEVEL && Number.isFinite(against.difference));
  const open = tested.filter((row) => !certain.includes(row));
  const ordered = [...certain].sort((a, b) => Number(b === subject) - Number(a === subject));
  const difference = `difference ${signed(subject)} ${title}, ${evidence(subject)}`;
  const doubt = `${labelOf(subject.entry)} does not differ from ${base} by more than chance allows (${difference})`;
  const [first, ...others] = ordered;
  const sentence = !first
    ? tested.length > 1
      ? `No ${noun} differs from ${base} by more than chance allows (${labelOf(subject.entry)}: ${difference}).`
      : `${doubt}.`
    : first === subject
      ? `${gain(first)}.`
      : `${gain(first)}; ${doubt}.`;
  const rest = open.filter((row) => row !== subject);
  return {
    sentence,
    more: [
      ...(others.length > 0 ? [`Certain too: ${listed(others.map(gain))}.`] : []),
      ...(first && rest.length > 0
        ? [`No more than chance allows: ${listed(rest.map((row) => `${labelOf(row.entry)} (${signed(row)})`))}.`]
        : []),
      ...limits(tested, unit),
    ],
  };
}

type Tested = Row & { against: NonNullable<Row['against']> };

/** What so few pairs can show at all: two of the 2^n choices of signs are the most extreme ones. */
function limits(tested: readonly Tested[], unit: string): string[] {
  const pairs = Math.max(...tested.map(({ against }) => against.pairs));
  const least = tested.length * 2 ** (1 - pairs);
  const rule = "Certain means p < 0.05 (Wilcoxon's signed-rank test, two-sided, with Holm's correction)";
  return least < LEVEL
    ? [`${rule}.`]
    : [
        `${rule}; with ${counted(pairs, unit)} and ${counted(tested.length, 'comparison')} no p can be below ${Math.min(1, least).toPrecision(2)}, however large the difference.`,
      ];
}
