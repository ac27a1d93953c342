/** Models as files: one format for all families, those of earlier versions, and what other programs wrote. */
import { z } from 'zod';
import { GraftError, isFolder } from '../core/index.js';
import type { Preprocessing } from '../data/index.js';
import { type ForeignModel, type FoundationReport, type NetworkFamily, networkFamilies } from '../networks/index.js';
import { disposeState, jsonOf, parseMetadata, readState, type State, someNames, writeState } from '../nn/index.js';
import { preparationMetadata, preparationShape } from './adapter.js';
import { segmenterError } from './errors.js';
import { sourceReferenceSchema } from './reference.js';
import { Segmenter, type SegmenterParts } from './segmenter.js';

/**
 * Writes a model with all that is needed to use it to one safetensors file. Where its family takes foundations, the file
 * is one too.
 *
 * @param provenance kept in the file's metadata
 * @throws GraftError WRITE_FAILED
 */
export function saveSegmenter(path: string, model: Segmenter, provenance: Record<string, string> = {}): void {
  const { family, config, classes, heads, reference } = model;
  writeState(path, model.state(), {
    ...provenance,
    format: 'graft-model',
    family: family.name,
    architecture: JSON.stringify(config),
    heads: JSON.stringify([...heads.keys()]),
    ...preparationMetadata({ classes, ...model.own }),
    ...(reference && { reference: JSON.stringify(reference) }),
  });
}

const metadataSchema = z.object({
  format: z.literal('graft-model'),
  family: z.enum(Object.keys(networkFamilies)),
  architecture: jsonOf(z.unknown()),
  heads: jsonOf(z.array(z.int().min(0))),
  reference: jsonOf(sourceReferenceSchema).optional(),
  ...preparationShape,
});

interface LoadOptions {
  /** How a checkpoint of another program expects its images, where its family asks for it. */
  scaling?: string | undefined;
  /** For a checkpoint of another program that does not say how its images are prepared. */
  preprocessing?: Preprocessing | undefined;
  device?: string;
}

/**
 * Reads a model that graft wrote, or one of another program that a family knows: a checkpoint, or a folder.
 *
 * @param options.scaling how a checkpoint of another program expects its images, where its family asks for it
 * @param options.preprocessing for a checkpoint of another program that does not say how its images are prepared
 * @param options.device as `chooseDevice` gives it; default: the CPU
 * @throws GraftError MODEL_UNKNOWN, MODEL_SCALED, CHECKPOINT_SEVERAL, STATE_…, what `readState` throws, and what the family
 * says of a checkpoint that it cannot use
 */
export function loadSegmenter(path: string, { scaling, preprocessing, device = 'cpu' }: LoadOptions = {}): Segmenter {
  if (isFolder(path)) return foreign(path, undefined, { scaling, preprocessing, device });
  const { state, metadata } = readState(path);
  try {
    const written = asOfToday(metadata);
    if (!written.format) return foreign(path, state, { scaling, preprocessing, device });
    if (scaling !== undefined) throw segmenterError('MODEL_SCALED', { file: path });
    const refuse = (reason: string) => segmenterError('MODEL_UNKNOWN', { file: path, reason });
    const { reference, heads, classes, profile, ...parsed } = parseMetadata(metadataSchema, written, refuse);
    const family = networkFamilies[parsed.family];
    const config = family.config.safeParse(parsed.architecture);
    if (!config.success)
      throw refuse(`its architecture.${config.error.issues[0].path.join('.')}: ${config.error.issues[0].message}`);
    const without = heads.find((level) => level >= family.blocks.encoder.length);
    if (without !== undefined) throw refuse(`its heads: no block has the level ${without}`);
    const parts = { family, config: config.data, classes, preparation: parsed, heads, device };
    const model = consistent(parts, refuse);
    model.loadState(underPrefix(state), path);
    model.reference = reference;
    model.profile = profile;
    return model;
  } finally {
    disposeState(state);
  }
}

/** The model of a file whose values fit one another. @param refuse makes the error, which names the file */
function consistent(parts: SegmenterParts, refuse: (reason: string) => Error): Segmenter {
  try {
    return new Segmenter(parts);
  } catch (error) {
    if (error instanceof GraftError && (error.code === 'CLASS_NAMES' || error.code === 'SLICE_SIZE'))
      throw refuse(`its values do not fit one another: ${error.message.replace(/\.$/, '')}`);
    throw error;
  }
}

/**
 * Gives a model the weights that its training starts from: a foundation as far as it fits, or, where its family has no
 * foundations, those of a model of the same size.
 *
 * @throws GraftError STATE_… and as `loadSegmenter` or the family's `loadFoundation`
 */
export function loadFoundation(model: Segmenter, path: string): FoundationReport {
  const { family } = model;
  if (family.loadFoundation) return model.fill((network) => family.loadFoundation!(network, path));
  using other = loadSegmenter(path);
  model.fill((network) => network.loadState(other.network.state(), { file: path }));
  return { loaded: [...model.network.state().keys()], resized: [], fresh: [], unused: [] };
}

/** Earlier versions wrote a network without heads by its bare names. */
const underPrefix = (state: State): State =>
  [...state.keys()].some((name) => name.startsWith('network.'))
    ? state
    : new Map([...state].map(([name, value]) => [`network.${name}`, value]));

/** Earlier versions had a format for each family. */
const asOfToday = (metadata: Record<string, string>): Record<string, string> =>
  Object.values(networkFamilies)
    .map(({ earlier }) => earlier?.model(metadata))
    .find((one) => one !== undefined) ?? metadata;

function foreign(
  path: string,
  state: State | undefined,
  { scaling, preprocessing, device = 'cpu' }: LoadOptions,
): Segmenter {
  const [family, found] = recognised(path, state, scaling);
  if (scaling !== undefined && !family.scalings) throw segmenterError('MODEL_SCALED', { file: path });
  const { config, classes, preparation, heads = [], load } = found;
  const given = preprocessing && { preprocessing };
  const model = new Segmenter({ family, config, classes, heads, preparation: preparation ?? given, device });
  model.fill((network) => load(network, [...model.heads.values()]));
  model.remark = found.remark;
  return model;
}

function recognised(
  path: string,
  state: State | undefined,
  scaling: string | undefined,
): [NetworkFamily, ForeignModel] {
  for (const family of Object.values(networkFamilies)) {
    const found = family.foreign?.(path, state, { scaling });
    if (found) return [family, found];
  }
  const titles = Object.values(networkFamilies).map(({ title, landmark }) => `${title} (with ${landmark})`);
  const holds = state ? `its tensors, such as ${someNames(state.keys())}, are` : 'the folder is';
  throw segmenterError('MODEL_UNKNOWN', { file: path, reason: `${holds} of no network among ${titles.join(', ')}` });
}
