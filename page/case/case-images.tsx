/**
 * The pictures of a case: three planes with outlines, how far off the model is in mm, and the places where it is furthest
 * off. A server shows any slice of the case; a file shows those that it has.
 */
import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { fixed } from '../../src/report/format.js';
import { legend } from '../../src/report/images.js';
import { html } from '../../src/report/markup.js';
import type { PageImages, PagePanel } from '../../src/report/page-data.js';
import { cssColour, heatScale } from '../../src/report/palette.js';
import { drawSlices } from '../../src/report/slices.js';
import { Drawn } from '../parts/drawn.js';
import { type Place, placeOfClick, useCase } from './use-case.js';
import type { VolumeProps } from './volume.js';

interface Props {
  site: string;
  name: string;
  images: PageImages | undefined;
  /** Those that the file has. */
  panels: readonly PagePanel[];
}

const kept = ['truth', 'source', 'adapted', 'local', 'federated'] as const;

export function CaseImages({ site, name, images, panels }: Props) {
  const [heat, setHeat] = useState(true);
  const [whole, setWhole] = useState(false);
  const { place, spots, error, waiting, live, show } = useCase({ site, name, panels, whole });
  const [spot, setSpot] = useState(-1);
  useEffect(() => setSpot(-1), [site, name]);
  const goTo = (index: number) => {
    if (spots.length === 0) return;
    const next = (index + spots.length) % spots.length;
    setSpot(next);
    show(spots[next]!.place);
  };
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT)$/.test((event.target as Element).tagName))
        return;
      if (event.key === 'n') goTo(spot + 1);
      if (event.key === 'p') goTo(spot - 1);
      if (event.key === 'h') setHeat(!heat);
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  });
  if (error !== undefined) return <p class="notes problem">{error}</p>;
  if (!place)
    return (
      <p class="muted waiting" role="status">
        {waiting
          ? 'The models segment this case…'
          : 'This file has no pictures of this case; “graft page” on the run’s folder shows every case.'}
      </p>
    );
  const outlined = images?.outlined ?? kept.filter((of) => place.slices.some(({ labels }) => labels[of] !== undefined));
  const classes = images?.classes ?? ['foreground'];
  const measured = place.slices.some((slice) => slice.heat !== undefined);
  const drawn = { outlined, classes, heat, ...(live && { cross: crossOf(place) }) };
  const label = `${name} of ${site}: axial, coronal and sagittal slice with outlines`;
  return (
    <div class="case-images" aria-busy={waiting}>
      <div class="choices">
        <button type="button" onClick={() => goTo(spot + 1)} disabled={spots.length === 0}>
          Next disagreement <kbd>n</kbd>
        </button>
        <button type="button" onClick={() => goTo(spot - 1)} disabled={spots.length === 0}>
          Previous <kbd>p</kbd>
        </button>
        <span class="spot number" role="status">
          {spot >= 0 && spots[spot]
            ? `${spot + 1} of ${spots.length}: ${tellMm(spots[spot].mm)} off`
            : `${spots.length} places`}
        </span>
        {measured && (
          <label class="choice">
            <input type="checkbox" checked={heat} onChange={(event) => setHeat(event.currentTarget.checked)} />
            <span>
              Distance <kbd>h</kbd>
            </span>
          </label>
        )}
        {live && (
          <label class="choice">
            <input type="checkbox" checked={whole} onChange={(event) => setWhole(event.currentTarget.checked)} />
            <span>Whole volume</span>
          </label>
        )}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: the sliders below do the same */}
      <div
        class={live ? 'wide pick' : 'wide'}
        onClick={(event) => {
          const at = live && placeOfClick(event, place);
          if (at) show({ at });
        }}
      >
        <Drawn markup={drawSlices(place.slices, drawn, label)} />
      </div>
      {live && <Sliders place={place} show={(at) => show({ at })} />}
      <Drawn markup={legend({ outlined, classes })} />
      {measured && heat && <Drawn markup={scaleLegend} />}
      {live && (
        <ThreeDimensions key={`${site}/${name}`} site={site} name={name} outlined={outlined} measured={measured} />
      )}
    </div>
  );
}

/** The viewer of whole volumes is large: it is loaded when somebody wants it. */
function ThreeDimensions(props: VolumeProps) {
  const [Volume, setVolume] = useState<FunctionComponent<VolumeProps>>();
  if (Volume) return <Volume {...props} />;
  return (
    <p>
      <button
        type="button"
        onClick={async () => {
          const { Volume } = await import('./volume.js');
          setVolume(() => Volume);
        }}
      >
        Turn it in three dimensions
      </button>
    </p>
  );
}

const tellMm = (mm: number) => (mm >= 63.75 ? 'more than 60 mm' : `${fixed(mm, 1)} mm`);

/** Pixels of the slices that the place goes through. */
function crossOf({ at, shown }: Place) {
  if (!at || !shown) return {};
  const [z, y, x] = at.map((index, axis) => shown[axis]![1] - 1 - index) as [number, number, number];
  return { axial: [y, x], coronal: [z, x], sagittal: [z, y] } as const;
}

const axes = ['Axial', 'Coronal', 'Sagittal'] as const;

/** One for each plane. */
const Sliders = ({ place: { at, shown }, show }: { place: Place; show(at: [number, number, number]): void }) => (
  <div class="choices sliders">
    {at &&
      shown &&
      axes.map((label, axis) => (
        <label key={label} class="choice">
          <span>{label}</span>
          <input
            type="range"
            min={shown[axis]![0]}
            max={shown[axis]![1] - 1}
            value={at[axis]}
            onInput={(event) => {
              const next: [number, number, number] = [...at];
              next[axis] = Number(event.currentTarget.value);
              show(next);
            }}
          />
          <span class="number">{at[axis]! + 1}</span>
        </label>
      ))}
  </div>
);

const scaleLegend = html`<ul class="legend scale" aria-label="Distance from the reference">${heatScale.map(
  (
    [below, colour],
    i,
  ) => html`<li><svg viewBox="0 0 44 16" aria-hidden="true"><rect width="44" height="16" rx="3" fill="${cssColour(colour)}"/></svg> ${
    Number.isFinite(below) ? `below ${below} mm` : `${heatScale[i - 1]![0]} mm and more`
  }</li>
`,
)}</ul>`;
