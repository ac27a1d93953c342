/**
 * Segment Anything checkpoints into models of another image size or with another head, by FLAP-SAM's rules
 * (arXiv 2407.21739): the tables of positions are resized bilinearly; what depends on the masks that are predicted
 * (mask tokens, hypernetworks, the IoU head) is taken only where all of it fits; layers of the head that the file does
 * not have stay as they are.
 */
import { readState, type State, someNames, unwrap } from '../../nn/index.js';
import { noGrad, operator, scope, type Tensor } from '../../torch/index.js';
import type { FoundationReport } from '../family.js';
import { samArchitectures } from './config.js';
import { samError } from './errors.js';
import type { Sam } from './sam.js';

export const patchEmbedding = 'image_encoder.patch_embed.proj.weight';
/** Depend on what the masks stand for. */
const ofMasks = /^mask_decoder\.(mask_tokens|output_hypernetworks_mlps|iou_prediction_head)\./;
/** A stock checkpoint has the first layers only of FLAP-SAM's upscaling. */
const ofHead = /^mask_decoder\.output_upscaling\./;
const upsample = operator('aten::upsample_bilinear2d');

/**
 * Loads `.pth` or safetensors, of segment-anything, MedSAM or graft. Adapters are attached afterwards.
 *
 * @throws GraftError SAM_CHECKPOINT_FOREIGN, CHECKPOINT_SEVERAL, SAM_CHECKPOINT_DEPTH, SAM_CHECKPOINT_MISSING, SAM_CHECKPOINT_SHAPE (the model is
 *   unchanged then) and those of files that cannot be read
 */
export const loadSamCheckpoint = (sam: Sam, path: string): FoundationReport =>
  scope(() => load(sam, samStateOf(readState(path).state, path), path));

/**
 * The tensors of Segment Anything in a file of any program, by its own names.
 * @throws GraftError SAM_CHECKPOINT_FOREIGN, CHECKPOINT_SEVERAL
 */
export function samStateOf(state: State, file: string): State {
  const found = unwrap(state, patchEmbedding, file);
  if (found) return found;
  const names = someNames(state.keys());
  throw samError('SAM_CHECKPOINT_FOREIGN', { file, name: patchEmbedding, count: state.size, found: names });
}

function load(sam: Sam, given: State, file: string): FoundationReport {
  const own = sam.state();
  const patches = given.get(patchEmbedding)!;
  const holds = describe(patches);
  const [found, expected] = [blocks(given), blocks(own)];
  if (found !== expected) throw samError('SAM_CHECKPOINT_DEPTH', { file, found, expected, holds });
  const masksFit = [...own].every(([name, value]) => !ofMasks.test(name) || sameShape(value, given.get(name)));
  const wanted = [...own.keys()].filter((name) => given.has(name) && (masksFit || !ofMasks.test(name)));
  const fresh = [...own.keys()].filter((name) => !wanted.includes(name));
  const missing = fresh.filter((name) => !ofMasks.test(name) && !ofHead.test(name));
  if (missing.length > 0) {
    const [name] = missing;
    const shape = own.get(name)!.shape.join(', ');
    const found = someNames([...given.keys()].filter((one) => !own.has(one)));
    throw samError('SAM_CHECKPOINT_MISSING', {
      ...{ file, name, shape: `[${shape}]`, missing: missing.length, found, holds },
    });
  }

  const fitted: State = new Map();
  const resized: string[] = [];
  for (const name of wanted) {
    const [from, target] = [given.get(name)!, own.get(name)!];
    const resizable = dependsOnImageSize(name, sam.config.globalAttention);
    const value = sameShape(target, from) ? from : resizable ? resizeTable(from, target) : undefined;
    if (!value) {
      const [found, expected] = [from.shape.join(', '), target.shape.join(', ')];
      throw samError('SAM_CHECKPOINT_SHAPE', { file, name, found, expected, holds });
    }
    fitted.set(name, value);
    if (value !== from) resized.push(name);
  }
  sam.loadState(fitted, { file, partial: true });
  const loaded = wanted.filter((name) => !resized.includes(name));
  return { loaded, resized, fresh, unused: [...given.keys()].filter((name) => !fitted.has(name)) };
}

const sameShape = (a: Tensor, b: Tensor | undefined) => a.shape.join() === b?.shape.join();

/** Number of the image encoder's blocks. */
const blocks = (state: State) =>
  new Set([...state.keys()].flatMap((name) => name.match(/^image_encoder\.blocks\.\d+/) ?? [])).size;

/** The places of tokens and the relative positions of blocks that attend to the whole image. */
function dependsOnImageSize(name: string, globalAttention: readonly number[]): boolean {
  if (name === 'image_encoder.pos_embed') return true;
  const block = name.match(/^image_encoder\.blocks\.(\d+)\.attn\.rel_pos_[hw]$/)?.[1];
  return block !== undefined && globalAttention.includes(Number(block));
}

/** A table of positions [1, h, w, C] or [2·size - 1, d] in another size; undefined where the channels differ. */
function resizeTable(table: Tensor, { shape, device }: Tensor): Tensor | undefined {
  const channels = shape.at(-1)!;
  if (table.rank !== shape.length || table.shape.at(-1) !== channels) return undefined;
  const resize = (image: Tensor, size: number[]) =>
    noGrad(() => upsample(image.to({ dtype: 'float32', device }), size, false, null, null) as Tensor);
  if (table.rank === 2) return resize(table.reshape(1, 1, -1, channels), shape).reshape(...shape);
  return resize(table.permute(0, 3, 1, 2), shape.slice(1, 3)).permute(0, 2, 3, 1);
}

/** The architecture that a checkpoint is of, in words. */
function describe({ shape: [channels] }: Tensor): string {
  const named = Object.entries(samArchitectures).find(([, { embedDim }]) => embedDim === channels);
  return named ? `${named[0]} (${channels} channels)` : `an image encoder with ${channels} channels`;
}
