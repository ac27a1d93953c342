/** Means with their intervals, and each against the baseline on the same cases. */
import { comparisonTables } from '../../src/compare/index.js';
import { dataTable, intervalChart } from '../../src/report/comparison.js';
import { Drawn } from '../parts/drawn.js';
import { Figure } from '../parts/figure.js';
import type { View } from './view.js';

export const statistics: View = {
  id: 'statistics',
  title: 'Statistics',
  shows: ({ comparison }) => comparison !== undefined,
  Content: ({ data: { comparison } }) =>
    comparison && (
      <>
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
    ),
};
