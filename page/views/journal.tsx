/** A coordinator's journal: what was done, by a filter, and whether every line follows from the one before. */
import { useMemo, useState } from 'preact/hooks';
import { VirtualTable } from '../parts/virtual-table.js';
import type { View } from './view.js';

export const journal: View = {
  id: 'journal',
  title: 'Journal',
  shows: ({ journal }) => journal !== undefined,
  Content: ({ data: { journal } }) => {
    const [filter, setFilter] = useState('');
    const lines = useMemo(() => {
      const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
      return (journal?.lines ?? [])
        .filter((line) => {
          const text = Object.values(line).join(' ').toLowerCase();
          return words.every((word) => text.includes(word));
        })
        .toReversed();
    }, [journal, filter]);
    if (!journal) return null;
    return (
      <>
        <p class={journal.problem ? 'loss' : undefined}>
          {journal.problem ?? 'Every line is signed and follows from the one before.'}{' '}
          <span class="muted">Head: {journal.head.slice(0, 16)}…</span>
        </p>
        <div class="choices">
          <label class="choice">
            <span>Only</span>
            <input
              type="search"
              placeholder="act, site, round 3, …"
              value={filter}
              onInput={(event) => setFilter(event.currentTarget.value)}
            />
          </label>
        </div>
        <VirtualTable
          caption={`${lines.length} lines of the journal, the last first`}
          count={lines.length}
          head={
            <tr>
              <th scope="col">Time (UTC)</th>
              <th scope="col">Act</th>
              <th scope="col">Of</th>
              <th scope="col">What</th>
            </tr>
          }
          row={(index) => {
            const { at, act, subject, told } = lines[index]!;
            return (
              <>
                <th scope="row">{at.slice(0, 19).replace('T', ' ')}</th>
                <td>{act}</td>
                <td>{subject}</td>
                <td title={told}>{told}</td>
              </>
            );
          }}
        />
        <p class="key">
          {lines.length} of {journal.lines.length} lines, the last first. “graft audit verify” checks them against a
          site’s journal, too.
        </p>
      </>
    );
  },
};
