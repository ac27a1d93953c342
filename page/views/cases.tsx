/** Every case, the worst first, with the change against another model where there is one; each leads to its own page. */
import { useMemo } from 'preact/hooks';
import { fixed } from '../../src/report/format.js';
import { columnsOf, defaultOrder, orderedCases } from '../case-order.js';
import { Change } from '../parts/change.js';
import { Choice } from '../parts/choice.js';
import { VirtualTable } from '../parts/virtual-table.js';
import { caseAddress, useChoices } from '../route.js';
import type { View } from './view.js';

export const cases: View = {
  id: 'cases',
  title: 'Cases',
  shows: ({ cases }) => (cases?.rows.length ?? 0) > 0,
  Content: ({ data: { cases } }) => {
    if (!cases) return null;
    const [order, choose] = useChoices('cases', { ...defaultOrder(cases) });
    const { title, digits, better } = columnsOf(cases, order);
    const rows = useMemo(() => orderedCases(cases, order), [cases, order]);
    const models = cases.models.map(({ name, label }) => [name, label] as const);
    const labelOf = (name: string) => cases.models.find((one) => one.name === name)?.label ?? name;
    const several = models.length > 1;
    const sorted = (sort: string) => (order.sort === sort ? 'ascending' : undefined);
    const query = new URLSearchParams({ by: order.by, model: order.model, against: order.against, sort: order.sort });
    return (
      <>
        <div class="choices">
          {several && (
            <>
              <Choice label="Model" value={order.model} options={models} onChange={(model) => choose({ model })} />
              <Choice
                label="against"
                value={order.against}
                options={models}
                onChange={(against) => choose({ against })}
              />
            </>
          )}
          <Choice
            label={several ? 'by' : 'By'}
            value={order.by}
            options={cases.measures.map(({ name, title }) => [name, title])}
            onChange={(by) => choose({ by })}
          />
          <label class="choice">
            <span>Only</span>
            <input
              type="search"
              placeholder="site or case"
              value={order.filter}
              onInput={(event) => choose({ filter: event.currentTarget.value })}
            />
          </label>
        </div>
        <VirtualTable
          caption={`${rows.length} cases by ${title}`}
          count={rows.length}
          head={
            <tr>
              <th scope="col" aria-sort={sorted('name')}>
                <button type="button" onClick={() => choose({ sort: 'name' })}>
                  Case
                </button>
              </th>
              {several && (
                <th scope="col" class="number from">
                  {labelOf(order.against)}
                </th>
              )}
              <th scope="col" class="number" aria-sort={sorted('worst')}>
                <button type="button" onClick={() => choose({ sort: 'worst' })} title="the worst first">
                  {labelOf(order.model)}
                </button>
              </th>
              {several && (
                <th scope="col" class="number" aria-sort={sorted('loss')}>
                  <button type="button" onClick={() => choose({ sort: 'loss' })} title="the greatest loss first">
                    Change
                  </button>
                </th>
              )}
            </tr>
          }
          row={(index) => {
            const { site, name, value, before, gain } = rows[index]!;
            return (
              <>
                <th scope="row">
                  <a href={`${caseAddress(site, name)}?${query}`}>
                    <span class="site">{site}</span>
                    <span class="name">{name}</span>
                  </a>
                </th>
                {several && <td class="number from">{before === null ? '–' : fixed(before, digits)}</td>}
                <td class="number">{value === null ? '–' : fixed(value, digits)}</td>
                {several && (
                  <td class="number">
                    <Change gain={gain} better={better} digits={digits} />
                  </td>
                )}
              </>
            );
          }}
        />
        <p class="key">
          {rows.length === cases.rows.length ? `${rows.length} cases` : `${rows.length} of ${cases.rows.length} cases`};{' '}
          {title}, {better} is better; means over classes and seeds.
          {several && ` ▲ better, ▼ worse than ${labelOf(order.against)}.`}
        </p>
      </>
    );
  },
};
