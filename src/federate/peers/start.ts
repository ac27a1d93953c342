/**
 * What coordinator and sites of a federation have in common, as a value and as a file: settings, the fingerprint of the base
 * model, and what travels at its initial values. Somebody who has the base model makes it once; a coordinator needs nothing
 * beside it, a site the base model as well.
 */
import { z } from 'zod';
import { localTrainingSchema } from '../../finetune/index.js';
import { copyState, jsonOf, parseMetadata, readState, type State, writeState } from '../../nn/index.js';
import type { Segmenter } from '../../segmenter/index.js';
import { checkFederation, type Federation, federationSchema } from '../config.js';
import { federateError } from '../errors.js';
import { FederatedNetwork, type PeerSettings } from './network.js';

/** What all peers have in common. Its `plan`, `base`, `initial` and `config` are what a `Coordinator` takes. */
export interface FederationStart extends PeerSettings {
  config: Federation;
  /** Fingerprint of the base model. */
  base: string;
  /** What travels, by the network's names, float32. */
  initial: State;
}

const optionsSchema = z.record(z.string(), z.unknown());
const startSchema = z.strictObject({
  plan: z.string().optional(),
  adapter: optionsSchema.default({}),
  training: localTrainingSchema.prefault({}),
  config: federationSchema.prefault({}),
});

/**
 * Prepares a federation from a base model, which is left as it was.
 *
 * @param settings.plan one of the family's training plans; default: its usual one
 * @param settings.adapter options of the plan's adapter
 * @param settings.training of every site; one epoch a round
 * @param settings.config rounds, aggregation, wire format, … and the seed of everything that is drawn
 * @returns `initial` belongs to the caller
 * @throws GraftError PLAN_UNKNOWN, PLAN_EMPTY, AGGREGATION_UNSUITED, CORRECTION_UNSUITED, …; ZodError where a setting is not valid
 */
export function prepareFederation(model: Segmenter, settings: z.input<typeof startSchema> = {}): FederationStart {
  const { plan = model.family.defaultPlan, adapter, training, config } = startSchema.parse(settings);
  checkFederation(config);
  using network = new FederatedNetwork(model, { plan, adapter, training, config });
  const initial = copyState(network.planned.travelling);
  return { ...network.settings, config, base: network.base, initial };
}

/** Writes a safetensors file, for the coordinator and every site. */
export function saveFederationStart(path: string, { initial, plan, base, ...settings }: FederationStart): void {
  const { adapter, training, config } = settings;
  const parts = Object.entries({ adapter, training, config }).map(([key, value]) => [key, JSON.stringify(value)]);
  writeState(path, initial, { format: 'graft-federation-start', plan, base, ...Object.fromEntries(parts) });
}

const metadataSchema = z.object({
  format: z.literal('graft-federation-start'),
  plan: z.string(),
  base: z.string(),
  adapter: jsonOf(optionsSchema),
  training: jsonOf(localTrainingSchema),
  config: jsonOf(federationSchema),
});

/** Reads what `saveFederationStart` wrote. @throws GraftError FEDERATION_START_INVALID, FILE_NOT_FOUND, SAFETENSORS_INVALID, SAFETENSORS_DAMAGED */
export function loadFederationStart(path: string): FederationStart {
  const { state: initial, metadata } = readState(path);
  const refuse = (reason: string) => federateError('FEDERATION_START_INVALID', { file: path, reason });
  const { format: _, ...start } = parseMetadata(metadataSchema, metadata, refuse);
  return { ...start, initial };
}
