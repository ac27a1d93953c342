/** Means with their intervals, and each against the baseline on the same cases, by one measure at a time. */
import { comparisonTables, titleOf } from '../../src/compare/index.js';
import { dataTable, intervalChart } from '../../src/report/comparison.js';
import type { PageData } from '../../src/report/page-data.js';
import { Choice } from '../parts/choice.js';
import { Drawn } from '../parts/drawn.js';
import { Figure } from '../parts/figure.js';
import { useChoices } from '../route.js';
import type { View } from './view.js';

export const statistics: View = {
  id: 'statistics',
  title: 'Statistics',
  shows: ({ comparison }) => comparison !== undefined,
  Content: ({ data }) => {
    const all = comparisonsIn(data);
    const [choices, choose] = useChoices('statistics', { by: all[0]!.measure });
    const comparison = all.find(({ measure }) => measure === choices.by) ?? all[0]!;
    return (
      <>
        {all.length > 1 && (
          <div class="choices">
            <Choice
              label="By"
              value={comparison.measure}
              options={all.map(({ measure, toleranceMm }) => [measure, titleOf(measure, toleranceMm)])}
              onChange={(by) => choose({ by })}
            />
          </div>
        )}
        <Figure name="statistics" markup={intervalChart(comparison)}>
          Mean and its 95 % interval; dotted line: {comparison.baseline}.
        </Figure>
        {comparisonTables(comparison).map((table) => (
          <Drawn key={table.id} markup={dataTable(table)} />
        ))}
        {comparison.notes.length > 0 && (
          <ul class="notes">
            {comparison.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        )}
      </>
    );
  },
};

/** By every measure, the one that stands first before the others. */
export const comparisonsIn = ({ comparison, further = [] }: PageData) => (comparison ? [comparison, ...further] : []);
