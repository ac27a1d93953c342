/** An adapter: what makes a base model fit one site, from kilobytes to megabytes, with all that is needed to use it. */
import { z } from 'zod';
import { type Profile, postprocessingSchema, preprocessingSchema, profileSchema, windowSchema } from '../data/index.js';
import { type NetworkFamily, networkFamilies, type Preparation } from '../networks/index.js';
import { type AdapterValues, countElements, jsonOf, parseMetadata, readState, writeState } from '../nn/index.js';
import { channelStatisticsSchema, type TrainingPlan } from '../peft/index.js';
import { segmenterError } from './errors.js';

/** What is kept of a target's images, so that a scan from there is known again; `domain.ts` finds it. */
const domainSchema = z.strictObject({
  modalities: z.array(z.string()).describe('DICOM’s words, where the files say them'),
  scanners: z.array(z.string()).describe('manufacturer and model, likewise'),
  statistics: channelStatisticsSchema.describe('of the base network’s first batch normalisations'),
});
export type Domain = z.infer<typeof domainSchema>;

/**
 * What makes a base model fit one site: trained tensors by the network's names (`state`: factors, trained weights, and
 * statistics that training moved), the `base` they belong to by its fingerprint, how volumes are prepared, and provenance.
 */
export interface Adapter extends AdapterValues, Preparation {
  /** Of the networks that it adapts. */
  family: string;
  /** The method or plan that it was trained by, one of the family's. */
  method: string;
  /** Of the method's own adapter, as the family's schema reads them: where factors are attached, their rank, … */
  options: Record<string, unknown>;
  /** Names of the labels 1, 2, … */
  classes: readonly string[];
  /** What the images it was trained on look like, and its answers to them; absent in files of before. */
  profile?: Profile | undefined;
  /** By what a scan of its target is known again; absent in files of before, and where it was trained with labels. */
  domain?: Domain | undefined;
  /** How it was made: data, seed, what the guard decided, versions. */
  provenance: Record<string, string>;
}

/** Bytes of the tensors; the file adds some kilobytes of names. */
export const adapterBytes = ({ state }: Adapter): number => countElements(state.values()) * 4;

/** The family's method or plan of a name; undefined where it has none. */
export const planOf = ({ methods, plans }: NetworkFamily, name: string): TrainingPlan | undefined =>
  Object.hasOwn(methods, name) ? methods[name] : Object.hasOwn(plans, name) ? plans[name] : undefined;

/** The family's training plan of a name. @throws GraftError PLAN_UNKNOWN */
export function planNamed({ title, plans }: NetworkFamily, name: string): TrainingPlan {
  if (!Object.hasOwn(plans, name))
    throw segmenterError('PLAN_UNKNOWN', { family: title, plan: name, plans: Object.keys(plans).join(', ') });
  return plans[name];
}

/** In the metadata of models and adapters alike. */
export const preparationShape = {
  classes: jsonOf(z.array(z.string())),
  preprocessing: jsonOf(preprocessingSchema),
  windows: jsonOf(windowSchema),
  postprocessing: jsonOf(postprocessingSchema).optional(),
  cornered: jsonOf(z.boolean()).optional(),
  profile: jsonOf(profileSchema).optional(),
};

/** What files say of a preparation. */
export const preparationMetadata = ({
  classes,
  preprocessing,
  windows,
  postprocessing,
  cornered,
  profile,
}: Preparation & Pick<Adapter, 'classes' | 'profile'>): Record<string, string> => ({
  classes: JSON.stringify(classes),
  preprocessing: JSON.stringify(preprocessing),
  windows: JSON.stringify(windows),
  ...(postprocessing && { postprocessing: JSON.stringify(postprocessing) }),
  ...(cornered && { cornered: 'true' }),
  ...(profile && { profile: JSON.stringify(profile) }),
});

/** Writes a safetensors file; equal adapters give equal bytes. @throws GraftError WRITE_FAILED */
export function saveAdapter(path: string, adapter: Adapter): void {
  const { family, method, base, options, state, domain, provenance } = adapter;
  writeState(path, state, {
    ...provenance,
    format: 'graft-adapter',
    ...{ family, method, base, options: JSON.stringify(options) },
    ...preparationMetadata(adapter),
    ...(domain && { domain: JSON.stringify(domain) }),
  });
}

const metadataSchema = z
  .object({
    format: z.literal('graft-adapter'),
    family: z.enum(Object.keys(networkFamilies)),
    method: z.string(),
    base: z.string(),
    options: jsonOf(z.record(z.string(), z.unknown())),
    domain: jsonOf(domainSchema).optional(),
    ...preparationShape,
  })
  .catchall(z.string());

/** Reads an adapter, also of earlier versions. @throws GraftError ADAPTER_UNKNOWN, and what `readState` throws */
export function loadAdapter(path: string): Adapter {
  const { state, metadata } = readState(path);
  const refuse = (reason: string) => segmenterError('ADAPTER_UNKNOWN', { file: path, reason });
  const { format: _, ...parsed } = parseMetadata(metadataSchema, asOfToday(metadata), refuse);
  const { family, method, base, options, classes, profile, domain, ...more } = parsed;
  const { preprocessing, windows, postprocessing, cornered, ...provenance } = more;
  const own = networkFamilies[family];
  if (!planOf(own, method)) throw refuse(`its method "${method}" is none of ${own.title}`);
  const read = own.adapter.safeParse(options);
  if (!read.success)
    throw refuse(`its options.${read.error.issues[0].path.join('.')}: ${read.error.issues[0].message}`);
  return {
    ...{ name: path, family, method, base, options, classes, profile, domain, state },
    ...{ preprocessing, windows, postprocessing, cornered },
    provenance: provenance as Record<string, string>,
  };
}

/** Earlier versions had a format for each family. */
const asOfToday = (metadata: Record<string, string>): Record<string, string> =>
  Object.values(networkFamilies)
    .map(({ earlier }) => earlier?.adapter(metadata))
    .find((one) => one !== undefined) ?? metadata;
