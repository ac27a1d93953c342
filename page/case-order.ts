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

/** The cases that the filter lets through. What is not scored comes last. */
export function orderedCases(cases: PageCases, { by, model, against, sort, filter }: Order): OrderedCase[] {
  const { m, i, j, better } = columnsOf(cases, { by, model, against });
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const sign = better === 'higher' ? 1 : -1;
  const rows = cases.rows
    .filter(({ site, name }) => {
      const text = `${site} ${name}`.toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .map(({ site, name, values }): OrderedCase => {
      const [value, before] = [values[m]![i]!, values[m]![j]!];
      // Two distances that are both infinite differ by nothing.
      const gain = value === null || before === null ? null : value === before ? 0 : sign * (value - before);
      return { site, name, value, before, gain };
    });
  const byKey = (key: (one: OrderedCase) => number | null) => (a: OrderedCase, b: OrderedCase) => {
    const [x, y] = [key(a), key(b)];
    return x === y ? 0 : x === null ? 1 : y === null ? -1 : x - y;
  };
  const named = (a: OrderedCase, b: OrderedCase) => a.site.localeCompare(b.site) || a.name.localeCompare(b.name);
  if (sort === 'name') return rows.sort(named);
  return rows.sort(byKey(sort === 'loss' ? ({ gain }) => gain : ({ value }) => (value === null ? null : sign * value)));
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
