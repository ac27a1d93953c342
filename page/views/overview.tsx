/** Every method on every target at a glance. */
import { sourceMethod } from '../../src/report/data.js';
import { overviewChart } from '../../src/report/overview.js';
import { Figure } from '../parts/figure.js';
import type { View } from './view.js';

export const overview: View = {
  id: 'overview',
  title: 'Overview',
  shows: ({ scores }) => scores !== undefined,
  Content: ({ data }) => (
    <Figure name="overview" markup={overviewChart(data.scores!)}>
      Mean surface Dice; whiskers: one standard deviation over seeds; dotted line:{' '}
      {data.scores?.methods.find(({ name }) => name === sourceMethod)?.label ?? 'the source model'}. The axis covers the
      values, not all of 0 to 1.
    </Figure>
  ),
};
