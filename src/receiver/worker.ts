/** The thread that holds a model and reads voxels, one request after another. The model of the last request stays loaded. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { workerData } from 'node:worker_threads';
import { AuditRecord } from '../audit/index.js';
import { answerRequests, exitCodes, GraftError, runToEnd, sha256 } from '../core/index.js';
import { type GivenCodes, readSegmentCodes, scanDicom, seriesWords } from '../data/index.js';
import { algorithmOf, loadPredictor, noteMask, type Predictor, reportFile, segmentImages } from '../jobs/index.js';
import { setThreads } from '../torch/index.js';
import { receiverError } from './errors.js';
import type { Request, SeenSeries, Segmented, Start, Values } from './message.js';
import type { Choice } from './rules.js';

const start = workerData as Start;
setThreads(start.threads);

interface Loaded {
  choice: string;
  predictor: Predictor;
  algorithm: ReturnType<typeof algorithmOf>;
}
let loaded: Loaded | undefined;
let codes: GivenCodes | undefined;

function load(choice: Choice): Loaded {
  const key = JSON.stringify(choice);
  if (loaded?.choice === key) return loaded;
  // Two models at once may be more than the memory holds.
  loaded = undefined;
  const { model, adapter, adapters } = choice;
  const predictor = loadPredictor(model, { adapter, adapters, device: start.device });
  loaded = { choice: key, predictor, algorithm: algorithmOf(model) };
  return loaded;
}

function check(choice: Choice): undefined {
  if (start.codes !== undefined) codes ??= readSegmentCodes(start.codes);
  if (!load(choice).predictor.segment) throw receiverError('RECEIVER_PROMPTS', { model: choice.model });
}

/** Series that can be segmented; what else lies in the folder is left alone. */
function look(images: string): SeenSeries[] {
  return scanDicom(images).series.map((series) => {
    const digests = series.files.map((file) => `${basename(file)} ${sha256(file)}`).sort();
    return {
      source: { name: `${series.patient}_${series.series}`, path: undefined, series },
      words: seriesWords(series.files[0]),
      digest: createHash('sha256').update(digests.join('\n')).digest('hex'),
    };
  });
}

async function segment({ choice, source, masks: out }: Request & { kind: 'segment' }): Promise<Segmented> {
  const { predictor, algorithm } = load(choice);
  const { root, given, audit, report, empty } = start;
  using record = new AuditRecord({ command: 'site receive', given, audit, folder: root });
  record.uses('model', choice.model);
  if (choice.adapter !== undefined) record.uses('adapter', choice.adapter);
  const { masks, failures } = await runToEnd(
    segmentImages([source], {
      ...{ out, format: 'dicom-seg', existing: 'overwrite', empty, report },
      ...{ segment: predictor.segment!, classes: predictor.classes },
      segmentation: { codes, algorithm: (routing) => algorithm(routing ? routing.adapter : choice.adapter) },
      made: (mask) => noteMask(record, mask, source),
    }),
  );
  const [failed] = failures;
  if (failed) record.warns(`no mask of ${source.name}: ${errorOf(failed.error).code}`);
  record.finish();
  const written = masks.flatMap(({ mask }) => (mask === null ? [] : [mask, reportFile(mask)]));
  return {
    masks,
    files: written.filter((file) => existsSync(file)).map((file) => basename(file)),
    failure: failed && errorOf(failed.error),
  };
}

const errorOf = (error: unknown) => {
  if (error instanceof GraftError) return { code: error.code, exitCode: error.exitCode };
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`); // a defect
  return { code: 'INTERNAL', exitCode: exitCodes.internal };
};

async function answerTo(request: Request): Promise<Values[keyof Values]> {
  switch (request.kind) {
    case 'check':
      return check(request.choice);
    case 'look':
      return look(request.images);
    case 'segment':
      return await segment(request);
  }
}

answerRequests(answerTo);
