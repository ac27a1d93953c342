/** The page about a federation over a network: who took part in which round, what moved, and of which bytes the result is. */
import { version } from '../../core/index.js';
import {
  bytes,
  curvesSection,
  dataTable,
  fixed,
  html,
  notesSection,
  provenanceSection,
  renderPage,
  summarySection,
} from '../../report/index.js';
import type { Study } from '../study.js';
import type { History } from './history.js';

/** @param files SHA-256 of the result's files, by their names */
export function renderRun(study: Study, { rounds, sites, begun }: History, files: Record<string, string>): string {
  const [names, last] = [[...sites.keys()].sort(), rounds.at(-1)];
  const moved = rounds.reduce((sum, { down, up }) => sum + down + up, 0);
  const asText = (cells: string[]) => cells.map((text) => ({ text, best: false }));
  const share = (weight: number | undefined) => (weight === undefined ? '–' : `${(100 * weight).toFixed(1)} %`);
  return renderPage({
    title: study.title,
    description: `The study ${study.name}: ${study.plan}, combined by ${study.federation.aggregation}.`,
    sections: [
      summarySection({
        sentence: `${names.length} sites trained ${rounds.length} rounds together; ${bytes(moved)} moved, and no image.`,
        more: [`The global state is ${last?.fingerprint ?? 'the initial one'} (SHA-256 of its tensors).`],
      }),
      notesSection([
        'Losses are of the sites’ own training cases. How good the model is, each site says on cases that it kept from training.',
      ]),
      {
        id: 'rounds',
        title: 'Rounds',
        content: html`${dataTable({
          id: 'rounds-table',
          caption: 'Share of each site in each round',
          header: ['Round', ...names, 'Loss', 'Moved', 'Closed'],
          rows: rounds.map(({ round, weights, loss, down, up, at = '' }) =>
            asText([
              String(round),
              ...names.map((site) => share(weights[site])),
              ...[loss === undefined ? '–' : fixed(loss), bytes(down + up), at.slice(0, 19).replace('T', ' ')],
            ]),
          ),
          key: '– not in this round. Times are UTC.',
        })}`,
      },
      {
        id: 'sites',
        title: 'Sites',
        content: html`${dataTable({
          id: 'sites-table',
          caption: 'What each site contributed',
          header: ['Site', 'Training cases', 'Slices', 'Updates taken', 'Not taken', 'Received', 'Sent'],
          rows: [...sites]
            .sort()
            .map(([name, one]) =>
              asText([
                ...[name, String(one.cases), String(one.slices), String(one.accepted), String(one.refused)],
                ...[bytes(one.down), bytes(one.up)],
              ]),
            ),
          key: 'Cases and slices as the site said.',
        })}`,
      },
      curvesSection([
        {
          ...{ title: 'Training loss', xLabel: 'Round', yLabel: 'Loss' },
          series: [{ name: 'all sites', points: rounds.map(({ round, loss }) => [round, loss ?? Number.NaN]) }],
        },
      ]),
      provenanceSection({
        facts: [
          ['graft', version],
          ['Begun', begun ?? '–'],
          ['Base model', study.base.sha256],
        ],
        settings: Object.entries({ ...study.federation, ...study.training }).map(([key, value]) => [
          key,
          JSON.stringify(value),
        ]),
        files: Object.entries(files).map(([name, sha256]) => ({ name, sha256 })),
      }),
    ],
  });
}
