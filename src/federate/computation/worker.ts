/** The thread in which a coordinator's computation runs, one request after another. */
import { workerData } from 'node:worker_threads';
import { answerRequests } from '../../core/index.js';
import { disposeState } from '../../nn/index.js';
import { setThreads } from '../../torch/index.js';
import { stateOf } from '../corrections.js';
import { inProcess } from './in-process.js';
import { pack, type Request, type Start, type Values } from './message.js';

const { setup, threads } = workerData as Start;
setThreads(threads);
const computation = inProcess(setup);

async function carryOut(request: Request): Promise<Values[keyof Values]> {
  if (request.kind === 'judge') return computation.judge(request.value);
  if (request.kind === 'tensors') return pack(await computation.tensors(request.value));
  const { corrections, ...made } = await computation.aggregate(request.value);
  const factors = stateOf(corrections);
  try {
    return { ...made, corrections: pack(factors) };
  } finally {
    disposeState(factors);
  }
}

/** The arrays of tensors' bytes, which are handed over instead of copied. */
const arraysIn = (value: Values[keyof Values]): ArrayBuffer[] => {
  if (typeof value === 'number') return [];
  const packed = value instanceof Map ? value : value.corrections;
  return Array.from(packed.values(), ({ bytes }) => bytes.buffer);
};

answerRequests(carryOut, arraysIn);
