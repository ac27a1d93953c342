/** An adapter: what makes a base model fit one target, a few hundred kilobytes, with all that is needed to use it. */
import { z } from 'zod';
import { type Preprocessing, type Profile, preprocessingSchema, profileSchema } from '../data/index.js';
import { unetBlocks } from '../networks/index.js';
import { jsonOf, parseMetadata, readState, type State, writeState } from '../nn/index.js';
import { convLoraSchema } from '../peft/index.js';
import { classNamesSchema, unnamedClasses } from './class-names.js';
import { adaptError } from './errors.js';
import { methodNames } from './methods.js';

const loraSchema = convLoraSchema.extend({ blocks: z.array(z.enum(unetBlocks)) });

export interface Adapter {
  /** Of the file or target, for messages. */
  name: string;
  method: (typeof methodNames)[number];
  /** Fingerprint of the base it belongs to. */
  base: string;
  preprocessing: Preprocessing;
  /** With the background. */
  classes: number;
  /** Names of the labels 1, 2, … */
  classNames: readonly string[];
  /** Where factors are attached before `state` is loaded; absent for methods without. */
  lora: z.output<typeof loraSchema> | undefined;
  /** By the network's names: factors, trained weights, and batch normalisation's statistics. */
  state: State;
  /** The base's, with room for the images that it was made for. */
  profile?: Profile | undefined;
  /** How it was made: seed, target, what the guard decided, versions. */
  provenance: Record<string, string>;
}

/** Bytes of the tensors; the file adds some kilobytes of names. */
export const adapterBytes = ({ state }: Adapter): number =>
  [...state.values()].reduce((sum, value) => sum + value.size * 4, 0);

/** Writes a safetensors file; equal adapters give equal bytes. */
export function saveAdapter(
  path: string,
  { method, base, preprocessing, classes, classNames, lora, state, profile, provenance }: Adapter,
): void {
  writeState(path, state, {
    ...provenance,
    format: 'graft-adapter',
    method,
    base,
    classes: String(classes),
    classNames: JSON.stringify(classNames),
    preprocessing: JSON.stringify(preprocessing),
    ...(lora && { lora: JSON.stringify(lora) }),
    ...(profile && { profile: JSON.stringify(profile) }),
  });
}

const metadataSchema = z
  .object({
    format: z.literal('graft-adapter'),
    method: z.enum(methodNames),
    base: z.string(),
    classes: jsonOf(z.int().min(2)),
    classNames: classNamesSchema,
    preprocessing: jsonOf(preprocessingSchema),
    lora: jsonOf(loraSchema).optional(),
    profile: jsonOf(profileSchema).optional(),
  })
  .catchall(z.string());

/** @throws GraftError ADAPTER_UNKNOWN, and what `readState` throws */
export function loadAdapter(path: string): Adapter {
  const { state, metadata } = readState(path);
  const { format, method, base, classes, classNames, preprocessing, lora, profile, ...provenance } = parseMetadata(
    metadataSchema,
    metadata,
    (reason) => adaptError('ADAPTER_UNKNOWN', { file: path, reason }),
  );
  const names = classNames ?? unnamedClasses(classes - 1);
  return { name: path, method, base, classes, classNames: names, preprocessing, lora, state, profile, provenance };
}
