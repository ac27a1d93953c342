/**
 * A study: what all peers agreed to, signed by the coordinator. It holds every setting with its value, so that a program
 * with other defaults cannot run something else, and the recipe that the settings come from, for people.
 */
import { z } from 'zod';
import { version } from '../core/index.js';
import { type FederationStart, federationSchema } from '../federate/index.js';
import { localTrainingSchema } from '../finetune/index.js';
import { addressesSchema } from './addresses.js';
import { federationError } from './errors.js';
import { publicKeysSchema } from './keys.js';
import { nameSchema } from './names.js';
import type { DocumentKind } from './signed.js';

export const privacySchema = z.strictObject({
  metrics: z
    .array(z.string().min(1).max(40))
    .max(20)
    .default(['loss'])
    .describe('what sites say about their training beside the update, each a number'),
  minCases: z.int().min(1).default(2).describe('a site with fewer training cases does not take part'),
});

/** Letters of a recipe that becomes a part of a study. */
export const longestRecipe = 2 ** 15;

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');

export const studySchema = z.strictObject({
  format: z.literal('graft study 1'),
  name: nameSchema,
  title: z.string().max(200),
  created: z.iso.datetime(),
  /** Version of graft that all peers run. */
  graft: z.string().regex(/^\d+\.\d+\.\d+[\w.-]{0,20}$/),
  coordinator: publicKeysSchema,
  broker: addressesSchema,
  /** The model that the sites start from. `sha256` and `bytes` are of the file, `fingerprint` of its weights. */
  base: z.strictObject({ fingerprint: digest, sha256: digest, bytes: z.int().positive() }),
  plan: z.string().max(100),
  adapter: z.record(z.string(), z.unknown()),
  training: localTrainingSchema,
  federation: federationSchema,
  privacy: privacySchema,
  /** Text of the recipe. */
  recipe: z.string().max(longestRecipe),
});
export type Study = z.output<typeof studySchema>;

export const studyKind: DocumentKind<Study> = {
  what: 'signed study',
  limit: 2 ** 17,
  schema: studySchema,
  signer: ({ coordinator }) => coordinator.signing,
};

const seriesOf = (text: string) => text.split('.').slice(0, 2).join('.');

/** @param file that holds the study, for messages @throws GraftError STUDY_OTHER_VERSION */
export function checkVersion({ graft: expected }: Study, file: string): void {
  if (seriesOf(expected) !== seriesOf(version))
    throw federationError('STUDY_OTHER_VERSION', { file, expected, found: version });
}

/** What a `TrainingSite` is made with; a `Coordinator` takes the initial values beside it. */
export const startOf = ({ plan, adapter, training, federation, base }: Study): Omit<FederationStart, 'initial'> => ({
  ...{ plan, adapter, training },
  config: federation,
  base: base.fingerprint,
});
