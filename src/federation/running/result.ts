/** What a coordinator leaves when the rounds are over: the global state, an adapter where the sites share all of it, a report. */
import { basename } from 'node:path';
import { sha256, writeFileAtomic } from '../../core/index.js';
import { type Coordinator, FederatedNetwork } from '../../federate/index.js';
import { disposeState, type State, writeState } from '../../nn/index.js';
import { loadSegmenter, saveAdapter } from '../../segmenter/index.js';
import type { CoordinatorFolder } from '../coordinator-folder.js';
import { startOf } from '../study.js';
import { historyOf } from './history.js';
import { runningPlaces } from './places.js';
import { renderRun } from './report.js';

/** @param global the last global state @returns paths of what was written @throws GraftError WRITE_FAILED */
export function writeResult({ folder, study, model }: CoordinatorFolder, global: State, coordinator: Coordinator) {
  const { result } = runningPlaces(folder);
  const history = historyOf(folder);
  const rounds = String(history.rounds.length);
  const { fingerprint = '' } = history.rounds.at(-1) ?? {};
  const { base, plan } = study;
  writeState(result.state, global, {
    format: 'graft-global-state',
    ...{ study: study.name, plan, base: base.fingerprint, rounds, fingerprint },
  });
  using segmenter = loadSegmenter(model);
  const start = startOf(study);
  using network = new FederatedNetwork(segmenter, start);
  coordinator.correct((round, corrections) => network.correct(round, corrections));
  network.load(global);
  const state = network.snapshot();
  const { family, preparation, classes } = segmenter;
  try {
    saveAdapter(result.adapter, {
      ...{ name: study.name, family: family.name, method: plan, options: start.adapter, base: base.fingerprint },
      ...{ ...preparation, classes, state },
      provenance: { data: [...history.sites.keys()].sort().join(', '), seed: String(start.config.seed), rounds },
    });
  } finally {
    disposeState(state);
  }
  const files = Object.fromEntries([model, result.state, result.adapter].map((file) => [basename(file), sha256(file)]));
  writeFileAtomic(result.report, renderRun(study, history, files));
  return { fingerprint, ...result };
}
