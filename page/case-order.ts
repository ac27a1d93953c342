/** Cases as a reader looks at them: one measure, one model against another, the worst first. */
import type { PageCases } from '../src/report/page-data.js';

export interface OrderedCase {
  site: string;
  name: string;
  value: number | null;
  before: number | null;
  /** Positive where the model is better than the other; null where one of them was not scored. */
  gain: number | null;
}

export interface Order {
  by: string;
  model: string;
  against: string;
  /** `worst`: by the value, the worst first; `loss`: by the gain, the greatest loss first; `name`. */
  sort: string;
  filter: string;
}

export const defaultOrder = ({ measures, main, baseline }: PageCases): Order => ({
  ...{ by: measures[0]!.name, model: main, against: baseline, sort: 'worst', filter: '' },
});

/** Every case with both values, in the order of the data. */
export function casesUnder(cases: PageCases, choice: Pick<Order, 'by' | 'model' | 'against'>): OrderedCase[] {
  const { m, i, j, better } = columnsOf(cases, choice);
  const sign = better === 'higher' ? 1 : -1;
  return cases.rows.map(({ site, name, values }) => {
    const [value, before] = [values[m]![i]!, values[m]![j]!];
    // Two distances that are both infinite differ by nothing.
    const gain = value === null || before === null ? null : value === before ? 0 : sign * (value - before);
    return { site, name, value, before, gain };
  });
}

/** The cases that the filter lets through. What is not scored comes last. */
export function orderedCases(cases: PageCases, order: Order): OrderedCase[] {
  const words = order.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = casesUnder(cases, order).filter(({ site, name }) => {
    const text = `${site} ${name}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  if (order.sort === 'name') {
    const { compare } = new Intl.Collator('en', { numeric: true });
    return rows.sort((a, b) => compare(a.site, b.site) || compare(a.name, b.name));
  }
  const sign = columnsOf(cases, order).better === 'higher' ? 1 : -1;
  const keyOf = ({ gain, value }: OrderedCase) => (order.sort === 'loss' ? gain : value === null ? null : sign * value);
  return rows.sort((a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)];
    return x === y ? 0 : x === null ? 1 : y === null ? -1 : x - y;
  });
}

/** Where the values of a choice lie; names that are not there mean the first. */
export function columnsOf(
  { measures, models }: PageCases,
  { by, model, against }: Pick<Order, 'by' | 'model' | 'against'>,
) {
  const at = (list: readonly { name: string }[], name: string) =>
    Math.max(
      0,
      list.findIndex((one) => one.name === name),
    );
  const m = at(measures, by);
  const { title, digits, better } = measures[m]!;
  return { m, i: at(models, model), j: at(models, against), title, digits, better };
}
