/**
 * A line chart that a reader can explore: values under the pointer, a range to zoom into, lines to hide. It is drawn after
 * the rest of the page, in a place that is kept for it. The file that it is saved as is the report's own drawing.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { lineChart } from '../../src/report/chart.js';
import type { ReportCurve } from '../../src/report/data.js';
import { bytes } from '../../src/report/format.js';
import { decimated } from '../decimate.js';
import { standalone } from './figure.js';
import { SaveButton } from './save.js';

const height = 260;
/** More points than a screen has columns show nothing more. */
const most = 1500;

export function CurveChart({ curve }: { curve: ReportCurve }) {
  const place = useRef<HTMLDivElement>(null);
  const shown = useShown();
  useEffect(() => {
    if (!shown || !place.current) return;
    const element = place.current;
    let plot = draw(curve, element);
    const again = () => {
      plot.destroy();
      plot = draw(curve, element);
    };
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', again);
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      dark.removeEventListener('change', again);
      resized.disconnect();
      plot.destroy();
    };
  }, [shown, curve]);
  const file = () => standalone(lineChart(thinned(curve)));
  return (
    <figure class="saved">
      <h3>{curve.title}</h3>
      <div class="plot" ref={place} role="img" aria-label={described(curve)} />
      <figcaption class="key">
        <SaveButton name={`${curve.title}.svg`} type="image/svg+xml" text={file} label="Save as SVG" />
      </figcaption>
    </figure>
  );
}

const thinned = (curve: ReportCurve): ReportCurve => ({
  ...curve,
  series: curve.series.map(({ name, points }) => ({ name, points: decimated(points, most) })),
});

const described = ({ yLabel, xLabel, series }: ReportCurve) =>
  `Line chart of ${yLabel} by ${xLabel}: ${series.map(({ name, points }) => `${name} ends at ${points.at(-1)?.[1].toPrecision(3) ?? 'no value'}`).join(', ')}.`;

/** Whether the page has been shown without the charts. */
function useShown(): boolean {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const asked = setTimeout(() => setShown(true), 60);
    return () => clearTimeout(asked);
  }, []);
  return shown;
}

const wholeSteps = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((factor) => factor * 10 ** power));
const dashes = [[], [7, 4], [2, 4], [9, 3, 2, 3], [4, 3], [12, 4], [1, 3]];

function draw(curve: ReportCurve, element: HTMLElement): uPlot {
  const colours = getComputedStyle(element);
  const colour = (name: string) => colours.getPropertyValue(name).trim();
  const [ink, rule] = [colour('--muted'), colour('--rule')];
  const { series } = thinned(curve);
  const aligned = uPlot.join(
    series.map(({ points }) => [points.map(([x]) => x), points.map(([, y]) => (Number.isFinite(y) ? y : null))]),
  );
  const inBytes = curve.xScale === 'bytes';
  const whole = !inBytes && aligned[0]!.every((x) => Number.isInteger(x));
  const axis = {
    stroke: ink,
    grid: { stroke: rule, width: 1 },
    ticks: { stroke: rule, width: 1 },
    font: '12px system-ui',
  };
  return new uPlot(
    {
      ...{ width: element.clientWidth, height },
      scales: { x: { time: false, ...(inBytes && { distr: 3 as const }) } },
      axes: [
        {
          ...axis,
          label: curve.xLabel,
          labelFont: '12px system-ui',
          labelSize: 22,
          // Epochs and rounds have no halves.
          ...(whole && { incrs: wholeSteps }),
          ...(inBytes && { values: (_: uPlot, ticks: number[]) => ticks.map((tick) => (tick ? bytes(tick) : '')) }),
        },
        { ...axis, label: curve.yLabel, labelFont: '12px system-ui', labelSize: 22, size: 56 },
      ],
      series: [
        { label: curve.xLabel, ...(inBytes && { value: (_: uPlot, x: number | null) => (x ? bytes(x) : '–') }) },
        ...series.map(({ name, points }, i) => ({
          label: name,
          stroke: colour(`--c${(i % 6) + 1}`),
          width: 2,
          dash: dashes[i % dashes.length]!,
          spanGaps: true,
          points: { show: points.length < 40, size: 5 },
          value: (_: uPlot, y: number | null) => (y === null ? '–' : y.toPrecision(4)),
        })),
      ],
    },
    aligned,
    element,
  );
}
