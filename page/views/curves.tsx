/** Curves over epochs and rounds. */
import { CurveChart } from '../parts/curve-chart.js';
import type { View } from './view.js';

export const curves: View = {
  id: 'curves',
  title: 'Curves',
  shows: ({ curves = [] }) => curves.some(({ charts }) => charts.length > 0),
  Content: ({ data: { curves = [], regimes } }) => (
    <>
      {regimes && (
        <p>
          After every round, or every epoch where there are no rounds
          {regimes.seeds.length > 1 ? '; mean of the seeds' : ''}: Dice on the validation cases of each site, and the
          loss of the training cases that each model was trained on there.
        </p>
      )}
      {curves.map(({ title, charts }, i) => {
        const grid = (
          <div class="curves">
            {charts.map((chart) => (
              <CurveChart key={chart.title} curve={chart} />
            ))}
          </div>
        );
        return title === undefined ? (
          grid
        ) : (
          <details key={title} open={i === 0}>
            <summary>{title}</summary>
            {grid}
          </details>
        );
      })}
    </>
  ),
};
