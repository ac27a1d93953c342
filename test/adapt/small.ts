/** Networks and targets that adapt in milliseconds. */
import { type Adaptation, type AdaptationEvent, adapt, adaptationSchema } from '../../src/adapt/index.js';
import { random } from '../../src/core/index.js';
import { type CaseSlices, preprocessingSchema } from '../../src/data/index.js';
import { copyState, type State } from '../../src/nn/index.js';
import type { Adapter, Segmenter } from '../../src/segmenter/index.js';
import { noGrad, setThreads, type Tensor, tensor } from '../../src/torch/index.js';
import { unetSegmenter } from '../segmenters.js';

setThreads(1);

/** Slices with blobs, float32 [4, 1, 16, 16]; the second scanner is darker and noisier. */
export function slices(name: string, scanner = 1): CaseSlices {
  const { normal } = random(scanner, 'slices', name);
  const values = Float32Array.from({ length: 4 * 256 }, (_, i) => {
    const [y, x] = [Math.floor((i % 256) / 16) - 7.5, (i % 16) - 7.5];
    return (Math.hypot(y, x) < 5 ? 0.8 : 0.1) / scanner + normal(0, 0.05 * scanner);
  });
  return {
    case: { site: 'target', name, image: `${name}.nii.gz` },
    images: tensor(values, [4, 1, 16, 16]).keep(),
    geometry: undefined!, // only for going back to a volume
    spacing: [5, 1, 1],
  };
}

/** An untrained model whose masks are neither empty nor full, and two cases of a target. */
export function small({ filters = 2, seed = 1, headLevels = [0, 3] } = {}): { model: Segmenter; target: CaseSlices[] } {
  const model = unetSegmenter(
    { inChannels: 1, outChannels: 1, filters },
    { preprocessing: preprocessingSchema.parse({}), heads: headLevels },
  );
  model.initialise(seed);
  const { uniform } = random(seed, 'statistics');
  noGrad(() => {
    for (const [name, value] of model.network.state())
      if (/running_(mean|var)$/.test(name) || /\.bn\.(weight|bias)$/.test(name))
        value.copy_(tensor(Array.from({ length: value.size }, () => uniform(0.2, 1.2))));
  });
  const target = [slices('a', 2), slices('b', 2)];
  noGrad(() => {
    const centre = (logits: Tensor, bias: Tensor) =>
      bias.copy_(bias.sub(tensor([logits.toArray().sort()[logits.size / 2] as number])));
    const features = model.network.encode(target[0].images);
    centre(model.network.logits(features), model.network.state().get('out_path.2.bias')!);
    for (const head of model.heads.values()) centre(head.read(features), head.state().get('conv3.bias')!);
  });
  return { model, target };
}

export const configure = (config: Partial<Adaptation> = {}): Adaptation =>
  adaptationSchema.parse({ batch: 4, epochs: 2, lr: 0.02, guard: false, ...config });

type Adapted = Extract<AdaptationEvent, { kind: 'adapted' }>;

/** Goes through the events of a loop; the last says what came out. */
export async function finish(
  events: AsyncGenerator<AdaptationEvent>,
): Promise<{ all: AdaptationEvent[]; end: Adapted }> {
  const all: AdaptationEvent[] = [];
  for await (const event of events) all.push(event);
  return { all, end: all.at(-1) as Adapted };
}

/** The adapter as it stands after the last epoch, whatever the selection says: for tests of use, not of merit. */
export async function trainedAdapter(
  model: Segmenter,
  target: CaseSlices[],
  config: Partial<Adaptation> = {},
  seed = 1,
): Promise<Adapter> {
  const context = { seed, name: 'target', toleranceMm: 2 };
  let last: State = new Map();
  for await (const event of adapt(model, target, configure(config), context)) {
    if (event.kind === 'look' || event.kind === 'epoch') {
      for (const value of last.values()) value.dispose();
      last = copyState(model.network.state());
    }
    if (event.kind === 'adapted')
      return { ...event.adapter, state: new Map([...last].filter(([name]) => event.adapter.state.has(name))) };
  }
  throw new Error('the adaptation ended without an adapter');
}

/** The network's logits on the images, as numbers. */
export const outputs = ({ network }: Segmenter, { images }: CaseSlices): Float32Array =>
  noGrad(() => network.logits(network.encode(images)).toArray() as Float32Array);
