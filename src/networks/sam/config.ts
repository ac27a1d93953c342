/**
 * What makes one Segment Anything model different from another, and the sizes that have names. ViT-B, -L and -H are
 * segment-anything's; `sam-small` and `sam-tiny` keep their layout of windowed and global attention at the sizes of a
 * laptop and of a test.
 */
import { z } from 'zod';
import { samError } from './errors.js';

/** Pixels on each side of a token. */
export const patchSize = 16;
/** Attention heads of the mask decoder. */
export const decoderHeads = 8;

export const samSchema = z
  .strictObject({
    imageSize: z
      .int()
      .min(patchSize)
      .multipleOf(patchSize)
      .describe('pixels on each side of the image, a multiple of 16'),
    embedDim: z.int().min(1).describe('channels of the image encoder'),
    depth: z.int().min(1).describe('blocks of the image encoder'),
    heads: z.int().min(1).describe('attention heads of the image encoder'),
    globalAttention: z.array(z.int().min(0)).describe('blocks that attend to the whole image, counted from 0'),
    window: z.int().min(1).default(14).describe('tokens on each side of the other blocks’ windows'),
    promptDim: z.int().min(32).multipleOf(32).default(256).describe('channels of embeddings and mask decoder'),
    decoderMlp: z.int().min(1).default(2048).describe('hidden width of the mask decoder’s perceptrons'),
    classes: z
      .int()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        'foreground classes, with a mask for each and for the background at full resolution; null: the stock head',
      ),
  })
  .refine(({ embedDim, heads }) => embedDim % heads === 0, {
    path: ['heads'],
    message: 'must divide embedDim',
  })
  .refine(({ globalAttention, depth }) => globalAttention.every((block) => block < depth), {
    path: ['globalAttention'],
    message: 'must name blocks below depth',
  });
export type SamConfig = z.infer<typeof samSchema>;

export type SamArchitecture = 'sam-vit-b' | 'sam-vit-l' | 'sam-vit-h' | 'sam-small' | 'sam-tiny';

/** The parts of a configuration that an architecture's name fixes. */
export const samArchitectures: Record<SamArchitecture, Omit<SamConfig, 'imageSize' | 'classes'>> = {
  'sam-vit-b': {
    embedDim: 768,
    depth: 12,
    heads: 12,
    globalAttention: [2, 5, 8, 11],
    window: 14,
    promptDim: 256,
    decoderMlp: 2048,
  },
  'sam-vit-l': {
    embedDim: 1024,
    depth: 24,
    heads: 16,
    globalAttention: [5, 11, 17, 23],
    window: 14,
    promptDim: 256,
    decoderMlp: 2048,
  },
  'sam-vit-h': {
    embedDim: 1280,
    depth: 32,
    heads: 16,
    globalAttention: [7, 15, 23, 31],
    window: 14,
    promptDim: 256,
    decoderMlp: 2048,
  },
  'sam-small': {
    embedDim: 192,
    depth: 8,
    heads: 6,
    globalAttention: [1, 3, 5, 7],
    window: 4,
    promptDim: 256,
    decoderMlp: 512,
  },
  'sam-tiny': {
    embedDim: 64,
    depth: 4,
    heads: 4,
    globalAttention: [1, 3],
    window: 4,
    promptDim: 128,
    decoderMlp: 128,
  },
};

/** The configuration of a named architecture; `classes` null: the stock head. */
export const samConfig = (
  name: SamArchitecture,
  { imageSize, classes = null }: { imageSize: number; classes?: number | null },
): SamConfig => checkedConfig({ ...samArchitectures[name], imageSize, classes });

/** @throws GraftError SAM_CONFIG, naming the first value that does not fit */
export function checkedConfig(config: SamConfig): SamConfig {
  const parsed = samSchema.safeParse(config);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const key = path[0] as keyof SamConfig;
  throw samError('SAM_CONFIG', { key, value: String(config[key]), problem: message });
}
