/** An adapter of Segment Anything: what a plan trained, with all that is needed to use it beside its base. */
import { z } from 'zod';
import { type AdapterValues, jsonOf, parseMetadata, readState, writeState } from '../nn/index.js';
import { type AdapterConfig, adapterSchema, type PlanName, planSchema } from '../peft/index.js';
import { finetuneError } from './errors.js';
import { type Preparation, preparationShape } from './preparation.js';

/** Its `state` holds what the plan trained, by the network's names. */
export interface SamAdapter extends AdapterValues, Preparation {
  plan: PlanName;
  /** Of the plan's LoRA or its like. */
  options: AdapterConfig;
  classes: readonly string[];
  /** How it was made: sites, seed, rounds, versions. */
  provenance: Record<string, string>;
}

/** Writes a safetensors file; equal adapters give equal bytes. */
export function saveSamAdapter(path: string, adapter: SamAdapter): void {
  const { plan, base, options, classes, preprocessing, windows, profile, state, provenance } = adapter;
  writeState(path, state, {
    ...provenance,
    format: 'graft-sam-adapter',
    plan,
    base,
    options: JSON.stringify(options),
    classes: JSON.stringify(classes),
    preprocessing: JSON.stringify(preprocessing),
    windows: JSON.stringify(windows),
    ...(profile && { profile: JSON.stringify(profile) }),
  });
}

const metadataSchema = z
  .object({
    format: z.literal('graft-sam-adapter'),
    plan: planSchema,
    base: z.string(),
    options: jsonOf(adapterSchema),
    ...preparationShape,
  })
  .catchall(z.string());

/** @throws GraftError SAM_ADAPTER_UNKNOWN, and what `readState` throws */
export function loadSamAdapter(path: string): SamAdapter {
  const { state, metadata } = readState(path);
  const { format, plan, base, options, classes, preprocessing, windows, profile, ...provenance } = parseMetadata(
    metadataSchema,
    metadata,
    (reason) => finetuneError('SAM_ADAPTER_UNKNOWN', { file: path, reason }),
  );
  return { name: path, plan, base, options, classes, preprocessing, windows, profile, state, provenance };
}
