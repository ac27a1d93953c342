/** The thread in which a coordinator's computation runs, one request after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { GraftError } from '../../core/index.js';
import { disposeState } from '../../nn/index.js';
import { setThreads } from '../../torch/index.js';
import { stateOf } from '../corrections.js';
import { inProcess } from './in-process.js';
import { type Answer, pack, type Request, type Start, type Values } from './message.js';

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

async function answer(request: Request): Promise<Answer> {
  try {
    return { value: await carryOut(request) };
  } catch (error) {
    if (!(error instanceof GraftError)) return { defect: error };
    const { code, message, hint, exitCode } = error;
    return { mistake: [code, message, hint, exitCode] };
  }
}

/** The arrays of tensors' bytes, which are handed over instead of copied. */
const arraysIn = (value: Values[keyof Values]): ArrayBuffer[] => {
  if (typeof value === 'number') return [];
  const packed = value instanceof Map ? value : value.corrections;
  return Array.from(packed.values(), ({ bytes }) => bytes.buffer);
};

parentPort!.on('message', async (request: Request) => {
  const said = await answer(request);
  parentPort!.postMessage(said, 'value' in said ? arraysIn(said.value) : []);
});
