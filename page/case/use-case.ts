/** The slices of a case: those of the file, or any that a server is asked for, of which the latest wish counts. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PagePanel, PageSlice } from '../../src/report/page-data.js';
import { parsePageJson } from '../../src/report/page-json.js';
import { isLive } from '../source.js';

export type Triple = [z: number, y: number, x: number];

export interface Place {
  slices: readonly PageSlice[];
  /** Of a server's: the voxel, and what is shown of every axis. */
  at?: Triple;
  shown?: readonly (readonly [from: number, to: number])[];
}

/** What is shown next: slices that are there, or a voxel to ask for. */
type Wish = Place | { at: Triple };

export interface Spot {
  mm: number;
  place: Wish;
}

interface Answer extends Required<Place> {
  spots: { at: Triple; mm: number }[];
}

export function useCase({
  site,
  name,
  panels,
  whole,
}: {
  site: string;
  name: string;
  panels: readonly PagePanel[];
  whole: boolean;
}) {
  const live = isLive();
  const [place, setPlace] = useState<Place>();
  const [spots, setSpots] = useState<Spot[]>([]);
  const [error, setError] = useState<string>();
  const [waiting, setWaiting] = useState(false);
  const asking = useRef<AbortController | undefined>(undefined);

  const ask = async (at: Triple | undefined) => {
    asking.current?.abort();
    const mine = new AbortController();
    asking.current = mine;
    setWaiting(true);
    const query = new URLSearchParams({ site, name, ...(at && { at: at.join() }), ...(whole && { whole: '' }) });
    try {
      const answer = await fetch(`case.json?${query}`, { signal: mine.signal });
      const text = await answer.text();
      if (!answer.ok) {
        // The pictures that came with the page are better than none.
        if (panels.length === 0) setError(text);
        return;
      }
      const found = parsePageJson(text) as Answer;
      setPlace(found);
      setSpots(found.spots.map(({ at, mm }) => ({ mm, place: { at } })));
      setError(undefined);
    } catch {
      if (!mine.signal.aborted) setError('graft no longer answers.');
    } finally {
      if (asking.current === mine) setWaiting(false);
    }
  };

  useEffect(() => {
    setError(undefined);
    const [panel] = panels;
    setPlace(panel && { slices: panel.slices });
    setSpots((panel?.spots ?? []).map(({ mm, slices }) => ({ mm, place: { slices } })));
    if (live) void ask(undefined);
    return () => asking.current?.abort();
  }, [site, name]);
  useEffect(() => {
    if (live && place?.at) void ask(place.at);
  }, [whole]);

  const show = (wish: Wish) => {
    if ('slices' in wish) setPlace(wish);
    else {
      // The sliders move at once, the pictures follow.
      if (place) setPlace({ ...place, at: wish.at });
      void ask(wish.at);
    }
  };
  return { live: place?.at !== undefined, place, spots, error, waiting, show };
}

/** The voxel under the pointer, in the slice that it is over. */
export function placeOfClick(event: MouseEvent, { at, shown }: Place): Triple | undefined {
  const slice = (event.target as Element).closest<SVGGElement>('g[data-plane]');
  const box = slice?.querySelector('image')?.getBoundingClientRect();
  if (!slice || !box || !at || !shown) return undefined;
  const [[z0, z1], [y0, y1], [x0, x1]] = shown as [[number, number], [number, number], [number, number]];
  const across = (event.clientX - box.left) / box.width;
  const down = (event.clientY - box.top) / box.height;
  // The last index comes first: superior, anterior, the patient's right.
  const index = (share: number, from: number, to: number) =>
    Math.max(from, Math.min(to - 1, to - 1 - Math.floor(share * (to - from))));
  const [z, y, x] = at;
  switch (slice.dataset.plane) {
    case 'axial':
      return [z, index(down, y0, y1), index(across, x0, x1)];
    case 'coronal':
      return [index(down, z0, z1), y, index(across, x0, x1)];
    default:
      return [index(down, z0, z1), index(across, y0, y1), x];
  }
}
