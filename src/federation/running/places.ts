/** Where a running coordinator and a running site keep what they work with, in the folders that `places.ts` describes. */
import { join } from 'node:path';

export const runningPlaces = (folder: string) => ({
  /** Wishes of the administrator, which a running coordinator notices: to pause, to go on for longer. */
  control: join(folder, 'control.json'),
  /** What a running coordinator last saw of its sites, for people; nothing depends on it. */
  standing: join(folder, 'coordinator', 'standing.json'),
  /** The number of the broker's process, where the coordinator started it. */
  broker: join(folder, 'broker', 'pid'),
  /** What the broker writes, where the coordinator started it. */
  brokerLog: join(folder, 'broker', 'log'),
  /** Blobs that are under way. */
  relay: join(folder, 'coordinator', 'relay'),
  result: {
    state: join(folder, 'result', 'global.safetensors'),
    adapter: join(folder, 'result', 'adapter.safetensors'),
    report: join(folder, 'result', 'report.html'),
  },
});

export const siteRunPlaces = (folder: string) => ({
  /** The base model, as the coordinator sent it. */
  model: join(folder, 'model.safetensors'),
  /** What the site remembers from round to round. */
  state: join(folder, 'state'),
  /** Prepared slices; removed when the rounds are over. */
  cache: join(folder, 'cache'),
  adapter: join(folder, 'adapter.safetensors'),
  /** What the site found on its own cases that were kept from training. */
  scores: join(folder, 'scores'),
  /** After which task the rounds were over, and the process that had their result. */
  over: join(folder, 'state', 'over.json'),
});
