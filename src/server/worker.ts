/** The thread that holds the model and reads voxels: one request after another, each until it is cancelled. */
import { workerData } from 'node:worker_threads';
import { answerRequests, type Pause, runWithPauses } from '../core/index.js';
import {
  convertDicomSeries,
  maskFileWithPauses,
  niftiOfSeries,
  nrrdFileWithPauses,
  readVolumeWithPauses,
  tagsBeside,
  tagsOf,
  type Volume,
} from '../data/index.js';
import { type ImageSource, type Predictor, predictorOf, Router } from '../jobs/index.js';
import { loadAdapter, loadSegmenter, type Segmenter } from '../segmenter/index.js';
import { setThreads } from '../torch/index.js';
import { serverError } from './errors.js';
import type { Request, Segmented, ServedModel, Start, Values } from './message.js';
import { nameOfModel } from './names.js';
import { single, storeLabel } from './store-label.js';

const { served, threads } = workerData as Start;
setThreads(threads);

let model: Segmenter | undefined;
let router: Router | undefined;
let inUse: { name: string; predictor: Predictor } | undefined;

/** Puts an adapter into use, which is quick: the base is loaded once. */
function predictorNamed(name: string): Predictor {
  if (inUse?.name === name) return inUse.predictor;
  model ??= loadSegmenter(served.model, { device: served.device });
  inUse = undefined;
  const adapter = served.adapters[name];
  if (typeof adapter === 'object') {
    router ??= new Router(model, adapter);
    model.use(undefined);
  } else model.use(adapter === undefined ? undefined : loadAdapter(adapter));
  inUse = { name, predictor: predictorOf(model, typeof adapter === 'object' ? router : undefined) };
  return inUse.predictor;
}

function open(): Record<string, ServedModel> {
  const names = Object.keys(served.adapters);
  const entries = (names.length > 0 ? names : [nameOfModel(served.model)]).map((name): [string, ServedModel] => {
    const { segment, classes, unchecked, remark } = predictorNamed(name);
    if (!segment) throw serverError('SERVED_PROMPTS', { file: served.model });
    const silent = `not compared with the model’s source, which it says nothing about: ${unchecked.join(', ')}`;
    return [name, { classes, remarks: [...(remark ? [remark] : []), ...(unchecked.length > 0 ? [silent] : [])] }];
  });
  return Object.fromEntries(entries);
}

async function* readImage({ name, path, series }: ImageSource): AsyncGenerator<Pause, Volume> {
  return series ? single(name, await convertDicomSeries(series)) : yield* readVolumeWithPauses(path!);
}

async function* segment(request: Request & { kind: 'segment' }): AsyncGenerator<Pause, Segmented> {
  const { name, image, file, packed } = request;
  const volume = yield* readImage(image);
  const { segment, classes } = predictorNamed(name);
  const tags = image.series ? tagsOf(image.series) : tagsBeside(volume.path);
  const { labels, volumesMl, warnings, entropy, routing } = yield* segment!(volume, tags);
  const asDicom = image.series !== undefined;
  const parts =
    file === 'label.nrrd'
      ? yield* nrrdFileWithPauses(labels, volume, { packed, asDicom })
      : yield* maskFileWithPauses(file, labels, volume.grid);
  return {
    bytes: new Uint8Array(Buffer.concat(parts)),
    volumesMl: Object.fromEntries(classes.map((one, i) => [one, volumesMl[i]])),
    warnings: [...(volume.doubts ?? []), ...warnings],
    entropy: entropy!,
    ...(routing && { chosen: { adapter: routing.target, probability: routing.probability } }),
  };
}

async function* image({ image }: Request & { kind: 'image' }): AsyncGenerator<Pause, Values['image']> {
  if (image.series) return new Uint8Array(single(image.name, await niftiOfSeries(image.series)).bytes);
  yield* readImage(image);
  return undefined;
}

async function* carryOut(request: Request): AsyncGenerator<Pause, Values[keyof Values]> {
  switch (request.kind) {
    case 'open':
      return open();
    case 'segment':
      return yield* segment(request);
    case 'image':
      return yield* image(request);
    case 'label':
      return yield* storeLabel(request);
  }
}

answerRequests((request: Request, signal) => runWithPauses(carryOut(request), signal));
