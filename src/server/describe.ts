/** What viewers are told, in MONAI Label's words. */
import { basename, extname } from 'node:path';
import { sha256, version } from '../core/index.js';
import type { ImageSource } from '../jobs/index.js';
import { type Datastore, finalTag } from './datastore.js';
import type { Segmented, ServedModel } from './message.js';

/** Which image is labelled next. */
export const strategies = {
  first: 'the first image without a label',
  random: 'any image without a label',
  uncertainty: 'the image without a label that the model is least sure of, of those that were looked at so far',
};

const labelNames = ({ classes }: ServedModel) => Object.fromEntries(classes.map((name, i) => [name, i + 1]));

/** What is said of a mask. */
export const paramsOf = (model: ServedModel, { volumesMl, warnings, entropy, chosen }: Segmented, more: object) => ({
  ...{ label_names: labelNames(model), volumes_ml: volumesMl, entropy, warnings, ...(chosen && { chosen }), ...more },
});

/** `GET /info/` */
export function infoOf(models: Readonly<Record<string, ServedModel>>, store: Datastore) {
  const all = Object.entries(models);
  return {
    ...{ name: 'graft', version, description: 'Segmentation with models and adapters of graft' },
    labels: [...new Set(all.flatMap(([, { classes }]) => classes))],
    models: Object.fromEntries(
      all.map(([name, model]) => [
        name,
        {
          ...{ type: 'segmentation', labels: labelNames(model), dimension: 3, config: {} },
          description: [`${name}, served by graft`, ...model.remarks].join('; '),
        },
      ]),
    ),
    trainers: {},
    strategies: Object.fromEntries(
      Object.entries(strategies).map(([name, description]) => [name, { description, config: {} }]),
    ),
    scoring: {},
    train_stats: {},
    datastore: statsOf(store),
  };
}

export function statsOf(store: Datastore) {
  const [total, left] = [store.list().length, store.unlabelled().length];
  return { total, completed: total - left, label_tags: total > left ? { [finalTag]: total - left } : {} };
}

/** A file's name as a viewer keeps it: its ending tells what it is. */
export const fileName = ({ name, path }: ImageSource) => (path === undefined ? `${name}.nii` : basename(path));

export const described = (image: ImageSource, store: Datastore) => ({
  name: fileName(image),
  ...(image.path !== undefined && { checksum: `SHA256:${sha256(image.path)}` }),
  ...store.seriesNames(image),
});

const endingOf = (file: string) => (extname(file) === '.gz' ? '.nii.gz' : '.nii');

export function objectsOf(store: Datastore) {
  const labelled = store.labelled();
  const entries = store.list().map((image) => {
    const label = labelled.get(image.name);
    const found = {
      image: { ext: endingOf(fileName(image)), info: { name: fileName(image), ...store.seriesNames(image) } },
    };
    return [
      image.name,
      { ...found, labels: label === undefined ? {} : { [finalTag]: { ext: endingOf(label), info: {} } } },
    ];
  });
  return { name: 'graft', description: 'The images and labels of a site', objects: Object.fromEntries(entries) };
}

/** Images with labels, by the names of their files. */
export function pairsOf(store: Datastore) {
  const labelled = store.labelled();
  return store.list().flatMap((image) => {
    const label = labelled.get(image.name);
    return label === undefined ? [] : [{ image: fileName(image), label: basename(label) }];
  });
}
