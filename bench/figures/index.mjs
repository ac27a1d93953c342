/** The figures by name: functions from options to rows. */
import { adaptStep } from './adapt-step.mjs';
import { aggregate } from './aggregate.mjs';
import { flapStep } from './flap-step.mjs';
import { infer } from './infer.mjs';
import { io } from './io.mjs';
import { opOverhead } from './op-overhead.mjs';
import { scale } from './scale.mjs';
import { start } from './start.mjs';
import { surface } from './surface.mjs';

export const figures = {
  'adapt-step': adaptStep,
  aggregate,
  'flap-step': flapStep,
  infer,
  io,
  'op-overhead': opOverhead,
  scale,
  start,
  surface,
};
