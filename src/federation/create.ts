/** Making a study: base model, keys, authority, certificates, the signed study, and what runs the broker. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { type ProgressEvent, readRegularText, sha256, version, writeFileAtomic, writing } from '../core/index.js';
import { prepareFederation, saveFederationStart } from '../federate/index.js';
import { loadSegmenter } from '../segmenter/index.js';
import { type FederationRecipe, findRecipe, makeBase, readFederationRecipe } from '../studies/index.js';
import { parseAddress } from './addresses.js';
import { createAuthority, issueCertificate } from './certificates.js';
import { serverVersion, writeBroker, writeDeployment } from './deployment.js';
import { federationError } from './errors.js';
import { digestOf, journalOf } from './journals.js';
import { makeKeys, newKey, type PartyKeys, publicKeysOf, writeKey } from './keys.js';
import { writeMembers } from './members.js';
import { brokerFiles, coordinatorPlaces } from './places.js';
import { readSettings } from './settings.js';
import { readDocument, signed, textOf } from './signed.js';
import { longestRecipe, type Study, studyKind } from './study.js';
import { type StudySettings, studySettingsSchema } from './study-settings.js';
import { wordsOf } from './words.js';

/** What has been made. */
export interface Created {
  study: Study;
  /** Of the coordinator. */
  words: string;
}

/**
 * Makes a coordinator's folder, whole or not at all.
 *
 * @param file `study.yaml`
 * @param out a folder that is new or empty
 * @param device of the base model's making
 * @throws GraftError SETTINGS_INVALID, FOLDER_TAKEN, RECIPE_…, WRITE_FAILED, and about the checkpoint
 */
export async function* createFederation(
  file: string,
  out: string,
  { device = 'cpu' } = {},
): AsyncGenerator<ProgressEvent, Created> {
  checkNew(out);
  const settings = readSettings(studySettingsSchema, file);
  settings.broker.version ??= serverVersion();
  const recipeFile = findRecipe(settings.recipe, dirname(file));
  const text = readRegularText(recipeFile);
  if (text.length > longestRecipe)
    throw federationError('SETTINGS_INVALID', {
      file,
      key: 'recipe',
      problem: `it has more than ${longestRecipe} letters`,
    });
  const recipe = readFederationRecipe(recipeFile);
  const variant = variantOf(recipe, settings, file);
  const folder = `${resolve(out)}.partial`;
  writing(folder, () => rmSync(folder, { recursive: true, force: true }));
  try {
    writing(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
    const places = coordinatorPlaces(folder);
    yield* makeBase(recipe, { device, out: places.model, foundation: join(folder, 'foundation.safetensors') });
    rmSync(join(folder, 'foundation.safetensors'), { force: true });
    const start = prepare(places, recipe, variant, device);
    const keys = makeKeys(places.keys);
    await certify(folder, settings, keys);
    const { size: bytes } = statSync(places.model);
    const { plan, adapter, training, config } = start;
    const document = signed(
      {
        format: 'graft study 1' as const,
        ...{
          name: settings.name,
          title: recipe.title.slice(0, 200),
          created: new Date().toISOString(),
          graft: version,
        },
        ...{ coordinator: publicKeysOf(keys), broker: settings.broker.addresses },
        base: { fingerprint: start.base, sha256: sha256(places.model), bytes },
        ...{ plan, adapter, training, federation: config, privacy: settings.privacy },
        recipe: text,
      },
      keys.signing,
    );
    writeFileAtomic(places.study, textOf(document));
    const study = readDocument(studyKind, places.study);
    writeFileAtomic(places.settings, stringify(settings));
    writeMembers(places.members, []);
    writeBroker(folder, settings, []);
    writeDeployment(folder, out, settings);
    const hashes = { study: digestOf(study) };
    journalOf(folder, 'coordinator', keys).note({ act: 'study.created', subject: study.name, hashes });
    writing(out, () => renameSync(folder, resolve(out)));
    return { study, words: wordsOf(study.coordinator) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws GraftError FOLDER_TAKEN */
function checkNew(folder: string): void {
  if (!existsSync(folder)) return;
  const taken = (reason: string) => federationError('FOLDER_TAKEN', { folder, reason });
  if (!statSync(folder).isDirectory()) throw taken('is a file');
  if (readdirSync(folder).length > 0) throw taken('holds files');
}

/** @throws GraftError SETTINGS_INVALID */
function variantOf({ variants }: FederationRecipe, { plan, recipe }: StudySettings, file: string) {
  const found = plan === undefined ? variants[0] : variants.find(({ name }) => name === plan);
  const known = variants.map(({ name }) => name).join(', ');
  if (!found)
    throw federationError('SETTINGS_INVALID', { file, key: 'plan', problem: `${recipe} has the plans ${known}` });
  return found;
}

/** Seconds: the deadline of a recipe that has none, so that a hospital that is gone stops nobody, and one that trains at night can. */
const longestRound = 24 * 3600;

/** Writes what travels, from the base model. */
function prepare(
  { model: file, start: out }: { model: string; start: string },
  recipe: FederationRecipe,
  { plan, adapter, training, federation }: FederationRecipe['variants'][number],
  device: string,
) {
  using model = loadSegmenter(file, { device });
  const [seed] = recipe.seeds;
  const deadline = federation.deadline ?? longestRound;
  const start = prepareFederation(model, { plan, adapter, training, config: { ...federation, deadline, seed } });
  saveFederationStart(out, start);
  for (const tensor of start.initial.values()) tensor.dispose();
  return start;
}

/** Makes the study's authority, and with it the certificates of coordinator and broker. */
async function certify(folder: string, { name, days, broker }: StudySettings, keys: PartyKeys): Promise<void> {
  const { authorityKey, tls, broker: brokerFolder } = coordinatorPlaces(folder);
  const from = new Date(Date.now() - 3_600_000);
  const validity = { from, until: new Date(from.getTime() + days * 86_400_000) };
  const [key, brokerKey] = [newKey('tls'), newKey('tls')];
  const certificate = await createAuthority(name, key, validity);
  const authority = { certificate, key };
  const hosts = [...new Set(broker.addresses.map((address) => parseAddress(address).host))];
  const files = brokerFiles.tls;
  writeKey(authorityKey, key);
  writeKey(join(brokerFolder, files.key), brokerKey);
  writeFileAtomic(tls.ca, certificate);
  writeFileAtomic(join(brokerFolder, files.ca), certificate);
  writeFileAtomic(tls.certificate, await issueCertificate(authority, { name: 'coordinator', key: keys.tls }));
  writeFileAtomic(
    join(brokerFolder, files.certificate),
    await issueCertificate(authority, { name: 'broker', key: brokerKey, hosts }),
  );
}
