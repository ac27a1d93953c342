/** The coordinator's computation, in this thread or in one of its own. */
export {
  type AggregatedState,
  type ClosedRound,
  type Computation,
  Interrupted,
  type ReceivedUpdate,
  type Setup,
} from './computation.js';
export { inProcess } from './in-process.js';
export { inWorker } from './in-worker.js';
