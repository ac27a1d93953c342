/** What is certain, what limits it, and the tables of scores. */
import { classTable, scoreTable, surfaceTable } from '../../src/report/regimes.js';
import { scoreTables } from '../../src/report/table.js';
import { Drawn } from '../parts/drawn.js';
import type { View } from './view.js';

export const summary: View = {
  id: 'summary',
  title: 'Summary',
  shows: ({ headline }) => headline !== undefined,
  Content: ({ data: { headline } }) => (
    <>
      <p class="headline">{headline?.sentence}</p>
      {headline?.more.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </>
  ),
};

export const limits: View = {
  id: 'limits',
  title: 'Limits',
  shows: ({ notes }) => notes.length > 0,
  Content: ({ data: { notes } }) => (
    <ul class="notes">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  ),
};

export const scores: View = {
  id: 'scores',
  title: 'Scores',
  shows: (data) => data.scores !== undefined || data.regimes !== undefined,
  Content: ({ data }) => (
    <>
      {data.scores && <Drawn markup={scoreTables(data.scores)} />}
      {data.regimes &&
        [scoreTable, classTable, surfaceTable].map((table) => <Drawn key={table.name} markup={table(data.regimes!)} />)}
    </>
  ),
};
