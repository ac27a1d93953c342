/**
 * A table of any length: only the rows in sight are in the document. All rows are equally high, so that the scroll bar is
 * right from the start; arrow keys, Page Up and Down, Home and End go from row to row.
 */
import type { ComponentChildren, VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** In CSS pixels; as in style.css. */
const rowHeight = 40;
/** Rows beyond the edges, so that quick scrolling shows no holes. */
const margin = 12;
/** Rows that are in sight at once, at most. */
const most = 14;

interface Props {
  /** Said to those who do not see it. */
  caption: string;
  head: VNode;
  count: number;
  /** The cells of a row; its link, where it has one, takes the focus. */
  row(index: number): ComponentChildren;
}

export function VirtualTable({ caption, head, count, row }: Props) {
  const frame = useRef<HTMLElement>(null);
  const [top, setTop] = useState(0);
  const wanted = useRef<number | undefined>(undefined);
  const from = Math.max(0, Math.min(count - most, Math.floor(top / rowHeight)) - margin);
  const to = Math.min(count, from + most + 2 * margin);

  useLayoutEffect(() => {
    if (wanted.current === undefined) return;
    frame.current?.querySelector<HTMLElement>(`tr[data-row="${wanted.current}"] a`)?.focus({ preventScroll: true });
    wanted.current = undefined;
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const line = (event.target as Element).closest<HTMLElement>('tr[data-row]');
    const steps: Record<string, number> = {
      ...{ ArrowDown: 1, ArrowUp: -1, PageDown: most - 2, PageUp: 2 - most },
      ...{ Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY },
    };
    const step = steps[event.key];
    if (!line || step === undefined || !frame.current) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(count - 1, Number(line.dataset.row) + step));
    const { scrollTop } = frame.current;
    const low = (next - most + 3) * rowHeight;
    frame.current.scrollTop = Math.max(low, Math.min(next * rowHeight, scrollTop));
    wanted.current = next;
    setTop(frame.current.scrollTop + Math.random() * 0.01);
  };

  return (
    <section
      class="virtual"
      ref={frame}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
      aria-label={caption}
    >
      <table aria-rowcount={count + 1}>
        <thead>{head}</thead>
        <tbody>
          <tr class="space" style={{ height: `${from * rowHeight}px` }} />
          {Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).map((index) => (
            <tr key={index} data-row={index} aria-rowindex={index + 2}>
              {row(index)}
            </tr>
          ))}
          <tr class="space" style={{ height: `${Math.max(0, count - to) * rowHeight}px` }} />
        </tbody>
      </table>
    </section>
  );
}
