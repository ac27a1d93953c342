/** The figures by name: functions from options to rows. */
import { adaptStep } from './adapt-step.mjs';
import { flapStep } from './flap-step.mjs';
import { opOverhead } from './op-overhead.mjs';

export const figures = {
  'adapt-step': adaptStep,
  'flap-step': flapStep,
  'op-overhead': opOverhead,
};
