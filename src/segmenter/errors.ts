/** What can be wrong with models, adapters, their pairing, and prompts. */
import { errorsOf } from '../core/index.js';

export const segmenterErrors = {
  MODEL_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not a model that graft can use ({reason}).',
    hint: 'Give a model that graft wrote, or a checkpoint of a network that it knows (docs/predict.md lists them).',
  },
  MODEL_SCALED: {
    exit: 'usage',
    message: '{file}: says itself how its images are prepared, so --scaling cannot be given.',
    hint: 'Leave --scaling out; it is for checkpoints as other programs publish them.',
  },
  EXPORT_WITHOUT_FACTORS: {
    exit: 'usage',
    message: '{adapter}: has no low-rank factors, and the form of peft is for these.',
    hint: 'Give an adapter of LoRA or ConvLoRA, or export the merged weights with --format weights.',
  },
  ADAPTER_UNKNOWN: {
    exit: 'model',
    message: '{file}: is not an adapter that graft wrote ({reason}).',
    hint: 'Give a file from the adapters folder of a run, or one that "graft adapt", "graft train" or "graft federate" wrote.',
  },
  ADAPTER_OTHER_FAMILY: {
    exit: 'model',
    message: '{file}: adapts networks of the family {expected}, but the model here is of {found}.',
    hint: 'Load the model that the adapter was trained beside.',
  },
  PLAN_UNKNOWN: {
    exit: 'usage',
    message: '{family} has no training plan {plan}.',
    hint: 'Its plans are {plans}.',
  },
  CLASS_NAMES: {
    exit: 'model',
    message: 'The network predicts {channels} classes beside the background, but {count} are named: {names}.',
    hint: 'Name as many classes as the network has.',
  },
  SLICE_SIZE: {
    exit: 'usage',
    message: 'The preprocessing makes slices of {found} pixels, but the model takes images of {expected}.',
    hint: 'Give the preprocessing the size of the model’s images, or none: it then follows the model.',
  },
  PROMPT_UNKNOWN: {
    exit: 'usage',
    message: 'Models of the family {family} take no prompts.',
    hint: 'Leave the prompt out, or give a model of Segment Anything.',
  },
  PROMPT_EMPTY: {
    exit: 'usage',
    message: 'The prompt has neither a point nor a box.',
    hint: 'Give at least one point or a box.',
  },
  PROMPT_OUTSIDE: {
    exit: 'usage',
    message: '{file}: the prompt’s {what} ({place}), in {space}, lies outside the volume.',
    hint: 'Voxels are (x, y, z) of the file, from 0; places in mm are (x, y, z) of its world. Check which of them you gave.',
  },
  PROMPT_SLICES: {
    exit: 'usage',
    message: '{file}: the prompt’s places lie on {count} {axis} slices ({slices}); one prompt is about one slice.',
    hint: 'Ask for one slice at a time.',
  },
} as const;
export const segmenterError = errorsOf(segmenterErrors);
