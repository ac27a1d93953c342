/** What the selection saw, candidate by candidate, what it kept, and why. */
import { useState } from 'preact/hooks';
import { fixed } from '../../src/report/format.js';
import type { PageSelection } from '../../src/report/page-data.js';
import { Choice } from '../parts/choice.js';
import type { View } from './view.js';

export const guard: View = {
  id: 'guard',
  title: 'Guard',
  shows: ({ selections = [] }) => selections.length > 0,
  Content: ({ data: { selections = [] } }) => {
    const methods = [...new Set(selections.map(({ method }) => method))];
    const [chosen, setChosen] = useState(methods.at(-1)!);
    const method = methods.includes(chosen) ? chosen : methods[0]!;
    const mine = selections.filter((one) => one.method === method);
    const count = selections.filter(({ guard }) => guard !== undefined).length;
    return (
      <>
        <p>
          After every epoch all target cases were looked at without labels. The candidate that agrees best with mirror
          images is kept (where these were not looked at, the one whose two heads agree best), unless it leaves what was
          seen on the source or is not surely better than the source model.{' '}
          {selections.some(({ kept }) => kept === undefined)
            ? 'Nothing is chosen yet.'
            : count === 0
              ? 'No candidate had to be refused.'
              : `The guard decided ${count} of ${selections.length} adaptations.`}
        </p>
        <div class="choices">
          <Choice
            label="Method"
            value={method}
            options={methods.map((name) => {
              const stops = selections.filter((one) => one.method === name && one.guard !== undefined).length;
              return [name, stops > 0 ? `${name} (guarded ${stops} of ${mine.length})` : name];
            })}
            onChange={setChosen}
          />
        </div>
        {mine.map((one) => (
          <Timeline key={one.place} {...one} />
        ))}
      </>
    );
  },
};

type Look = PageSelection['looks'][number];

const nameOf = (candidate: string) =>
  ({ source: 'source model', start: 'adapter before', statistics: 'new statistics' })[candidate] ??
  `epoch ${candidate}`;

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function Timeline({ place, looks, kept, guard }: PageSelection) {
  const outOf = (candidate: Look, measure: string) => candidate.departures.find((one) => one.measure === measure);
  const mirrored = ({ mirrored = [] }: Look) => mirrored.reduce((sum, value) => sum + value, 0) / mirrored.length;
  const columns: [title: string, value: (look: Look) => number, measure: string | undefined, digits: number][] = [
    ...(looks.some((look) => look.mirrored)
      ? [['Agreement with mirror images', mirrored, undefined, 3] as (typeof columns)[number]]
      : []),
    ['Agreement of the heads', ({ agreement }) => agreement, undefined, 3],
    ['Agreement with the source', (look) => look.agreementWithSource, 'agreement with the source model', 3],
    ['Volume (ml)', ({ volumeMl }) => volumeMl, 'volume', 1],
    ['Entropy (bit)', ({ entropy }) => entropy, 'entropy', 3],
  ];
  return (
    <div class="timeline">
      <h3>{place}</h3>
      <p class={guard === undefined ? 'verdict' : 'verdict guarded'}>
        {kept === undefined ? (
          'What was seen so far.'
        ) : (
          <>
            Kept: <b>{nameOf(kept)}</b>. {guard === undefined ? 'The guard did not step in.' : sentence(guard)}
          </>
        )}
      </p>
      <section class="scroll" aria-label={`Candidates, ${place}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Candidate</th>
              {columns.map(([title]) => (
                <th key={title} scope="col" class="number">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {looks.map((look) => (
              <tr key={look.candidate} class={look.candidate === kept ? 'kept' : undefined}>
                <th scope="row">
                  <span class="dot-mark" aria-hidden="true">
                    {look.candidate === kept ? '●' : look.departures.length > 0 ? '✕' : '○'}
                  </span>{' '}
                  {nameOf(look.candidate)}
                </th>
                {columns.map(([title, value, measure, digits]) => {
                  const out = measure && outOf(look, measure);
                  return (
                    <td key={title} class="number">
                      {out ? (
                        <span class="loss">
                          ✕ {fixed(value(look), digits)}{' '}
                          <span class="range">
                            not in {fixed(out.low, digits)} to {fixed(out.high, digits)}
                          </span>
                        </span>
                      ) : (
                        fixed(value(look), digits)
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
