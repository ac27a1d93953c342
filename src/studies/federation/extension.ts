/**
 * How a finished federated run goes on under a recipe that asks for more: rounds, epochs, seeds, plans, regimes and sites are
 * added. Training goes on from the state that each task left in `states/`, and ends with the same bits as if the larger
 * number had been asked for from the start, unless the learning rate's schedule depends on that number or a site joined.
 */
import { rmSync } from 'node:fs';
import type { Change } from '../../core/index.js';
import { changedAmong, fixedAmong, removedFrom } from '../extension.js';
import type { RunFolder } from '../folder.js';
import { checkpointPath, resultPath, statePath } from '../tasks.js';
import type { FederationRecipe, RegimeTask, Variant } from './recipe.js';

const growing = ['seeds', 'sites', 'plans', 'regimes', 'epochs', 'federation.rounds', 'federation.weights'];

export function refusals(changes: readonly Change[], before: FederationRecipe, now: FederationRecipe): string[] {
  const joining = now.sites.some((site) => !before.sites.includes(site));
  return [
    ...fixedAmong(changes, growing, () => 'all results depend on it'),
    ...removedFrom(['seeds', 'sites', 'regimes'], before, now),
    ...(before.seeds[0] === now.seeds[0]
      ? []
      : ['seeds: the foundation was made with the first, which must stay the first']),
    ...changedAmong('plans', before.variants, now.variants, settingsOf),
    ...before.variants.flatMap((variant) => {
      const { name } = variant;
      const next = now.variants.find((one) => one.name === name);
      if (!next) return [];
      if (variant.regimes.some((regime) => !next.regimes.includes(regime))) return [`plans: ${name} has lost a regime`];
      const [had, has] = [variant, next].map(({ federation }) => federation.rounds);
      if (has < had || lengthOf(now, next) < lengthOf(before, variant))
        return [`${name}: training that was done cannot be taken back; rounds and epochs can only grow`];
      if (joining && has === had && next.regimes.includes('federated'))
        return [`sites: a site that joins ${name} needs rounds to take part in; raise federation.rounds too`];
      return [];
    }),
  ];
}

/** What must stay. */
const settingsOf = ({ plan, adapter, training, federation: { rounds: _, weights: __, ...federation } }: Variant) => [
  ...[plan, adapter, training, federation],
];

/** Epochs of training without rounds. */
const lengthOf = ({ epochs }: FederationRecipe, { federation }: Variant): number => epochs ?? federation.rounds;

/** Sets aside the results of tasks that go on or are scored anew. */
export function prepare(folder: RunFolder, place: string, before: FederationRecipe, now: FederationRecipe): string[] {
  const joined = now.sites.filter((site) => !before.sites.includes(site));
  const remarks = new Set<string>();
  for (const task of before.tasks) {
    const { variant, key } = task;
    const next = now.variants.find(({ name }) => name === variant.name)!;
    const trains = key.regime === 'federated' ? roundsOf : lengthOf;
    const [had, has] = [trains(before, variant), trains(now, next)];
    // Cases of a new site make of the training in one place another one.
    const anew = key.regime === 'centralised' && joined.length > 0;
    if (had === has && joined.length === 0) continue;
    for (const path of [resultPath(task), adapterPath(folder, task)]) folder.move(path, `${place}/${path}`);
    if (anew) {
      rmSync(folder.file(statePath(task)), { recursive: true, force: true });
      remarks.add(`${key.plan}, centralised: trained anew, since the cases of ${joined.join(', ')} belong to it`);
    } else if (!folder.has(statePath(task)) && !folder.has(checkpointPath(task)))
      remarks.add(
        `${nameOf(task)}: trained anew from the start, since an earlier version or somebody removed its state`,
      );
    else if (variant.training.decayEpochs === null && has > had)
      remarks.add(
        `${nameOf(task)}: the learning rate falls over all that is asked for (decayEpochs: null), which was ${had} and is ${has}: the result is another one than ${has} from the start`,
      );
    if (key.regime === 'federated')
      for (const site of joined) remarks.add(`${nameOf(task)}: ${site} joins after round ${had}`);
  }
  return [...remarks];
}

const roundsOf = (_: FederationRecipe, { federation }: Variant): number => federation.rounds;

const nameOf = ({ key: { plan, regime, site } }: RegimeTask) => `${plan}, ${site === null ? regime : `${site} alone`}`;

/** The file of its adapter, or the folder of the sites' own ones. */
const adapterPath = (folder: RunFolder, task: RegimeTask): string => {
  const path = `adapters/${task.path}`;
  return folder.has(`${path}.safetensors`) ? `${path}.safetensors` : path;
};
