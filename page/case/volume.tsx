/** A case in three dimensions, with its masks, to be turned: NiiVue, which needs WebGL 2. */
import { Niivue, SLICE_TYPE } from '@niivue/niivue';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Outlined } from '../../src/report/data.js';
import { heatScale, outlineColour } from '../../src/report/palette.js';

export interface VolumeProps {
  site: string;
  name: string;
  /** Whose masks there are; the last is the model that is measured. */
  outlined: readonly Outlined[];
  /** Whether it is known how far the model is off. */
  measured: boolean;
}

export function Volume({ site, name, outlined, measured }: VolumeProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const viewer = new Niivue({ backColor: [0, 0, 0, 1], logLevel: 'silent', show3Dcrosshair: false });
    const query = new URLSearchParams({ site, name });
    const part = (of: string, colormap: string, opacity: number) => ({
      ...{ url: `case/${of}.nii?${query}`, name: `${of}.nii`, colormap, opacity, cal_min: 0, cal_max: 255 },
    });
    const shown: Outlined[] = ['truth', outlined.at(-1)!];
    for (const of of shown) viewer.addColormap(of, flat(outlineColour(of, 1, 1)));
    viewer.addColormap('distance', steps());
    const draw = async () => {
      await viewer.attachToCanvas(canvas.current!);
      await viewer.loadVolumes([
        part('grey', 'gray', 1),
        ...shown.map((of) => ({ ...part(of, of, 0.35), cal_min: 0, cal_max: 1 })),
        ...(measured ? [part('heat', 'distance', 0.9)] : []),
      ]);
      viewer.setSliceType(SLICE_TYPE.RENDER);
    };
    draw().catch((error: Error) => setProblem(error.message));
    return () => viewer.cleanup();
  }, [site, name]);
  return (
    <figure class="volume">
      <div class="frame">
        <canvas ref={canvas} aria-label={`${name} in three dimensions, with its masks`} />
      </div>
      <figcaption class="key">
        {problem ??
          'Yellow: reference; blue: model; colours of the scale: where one is without the other. Drag to turn, scroll to zoom.'}
      </figcaption>
    </figure>
  );
}

/** One colour for all labels. */
const flat = ([red, green, blue]: readonly [number, number, number]) => ({
  ...{ R: [0, red, red], G: [0, green, green], B: [0, blue, blue] },
  ...{ A: [0, 255, 255], I: [0, 1, 255] },
});

/** The scale of distances, by quarters of a millimetre. */
function steps() {
  const ends = heatScale.map(([below], i) => [i === 0 ? 1 : heatScale[i - 1]![0] * 4, Math.min(255, below * 4 - 1)]);
  const twice = (channel: 0 | 1 | 2) => [0, ...heatScale.flatMap(([, colour]) => [colour[channel], colour[channel]])];
  return {
    R: twice(0),
    G: twice(1),
    B: twice(2),
    A: [0, ...heatScale.flatMap(() => [255, 255])],
    I: [0, ...ends.flat()],
  };
}
