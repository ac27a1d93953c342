/** One case: what every model scored on it, and its slices. Arrow keys lead to the next worse and the next better case. */
import { useEffect, useMemo } from 'preact/hooks';
import { fixed } from '../../src/report/format.js';
import type { PageData } from '../../src/report/page-data.js';
import { columnsOf, defaultOrder, orderedCases } from '../case-order.js';
import { Change } from '../parts/change.js';
import { caseAddress, parseRoute } from '../route.js';
import { CaseImages } from './case-images.js';

export function CasePage({ data, site, name }: { data: PageData; site: string; name: string }) {
  const { choices } = parseRoute(location.hash);
  const { cases, images } = data;
  const order = cases && { ...defaultOrder(cases), ...Object.fromEntries(choices), filter: '' };
  const rows = useMemo(() => (cases && order ? orderedCases(cases, order) : []), [cases, choices.toString()]);
  const at = rows.findIndex((one) => one.site === site && one.name === name);
  const addressOf = (index: number) => {
    const one = rows[index];
    return one && `${caseAddress(one.site, one.name)}${choices.size > 0 ? `?${choices}` : ''}`;
  };
  const [before, after] = [addressOf(at - 1), addressOf(at + 1)];
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.target !== document.body) return;
      const to = { ArrowLeft: before, ArrowRight: after, Escape: '#cases' }[event.key];
      if (to) location.hash = to;
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [before, after]);
  const panels = images?.groups.flatMap(({ title, panels }) =>
    title === site ? panels.filter(({ caseName }) => caseName === name) : [],
  );
  return (
    <>
      <header class="case-head">
        <p>
          <a href="#cases">← All cases</a>
        </p>
        <h1>
          {name} <span class="muted">{site}</span>
        </h1>
        <nav class="case-nav" aria-label="Cases">
          {before ? <a href={before}>← worse</a> : <span class="muted">the worst</span>}
          <span class="muted">{at >= 0 ? `${at + 1} of ${rows.length}` : 'not among the cases'}</span>
          {after ? <a href={after}>better →</a> : <span class="muted">the best</span>}
        </nav>
      </header>
      <main id="main" class="case">
        <CaseImages site={site} name={name} images={images} panels={panels ?? []} />
        {cases && order && at >= 0 && <Scores cases={cases} order={order} site={site} name={name} />}
      </main>
    </>
  );
}

interface ScoresProps {
  cases: NonNullable<PageData['cases']>;
  order: ReturnType<typeof defaultOrder>;
  site: string;
  name: string;
}

function Scores({ cases, order, site, name }: ScoresProps) {
  const row = cases.rows.find((one) => one.site === site && one.name === name);
  if (!row) return null;
  return (
    <div class="scroll">
      <table class="scores">
        <caption>Scores of this case; means over classes and seeds</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            {cases.measures.map(({ name, title }) => (
              <th key={name} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {cases.models.map((model, i) => (
            <tr key={model.name} class={model.name === order.model ? 'chosen' : undefined}>
              <th scope="row">{model.label}</th>
              {cases.measures.map(({ name, digits, better }, m) => {
                const value = row.values[m]![i]!;
                const { j } = columnsOf(cases, { ...order, by: name });
                const base = row.values[m]![j]!;
                const gain =
                  value === null || base === null || i === j ? null : better === 'higher' ? value - base : base - value;
                return (
                  <td key={name}>
                    {value === null ? '–' : fixed(value, digits)}{' '}
                    {gain !== null && <Change gain={gain} better={better} digits={digits} />}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
