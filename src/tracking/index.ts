/** TensorBoard and MLflow: a run's numbers where people already look at numbers. */
export { type TrackingConfig, trackingSchema } from './schema.js';
export { TensorBoard } from './tensorboard.js';
export type { TrackedRun } from './tracked-run.js';
export type { Outcome } from './tracker.js';
export { Tracking } from './tracking.js';
