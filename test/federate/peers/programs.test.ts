/**
 * Coordinator and sites as the programs that docs/library.md shows, each in a process of its own: they end with the bits of
 * the simulation, also when they are killed again and again.
 */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runToEnd, runWithPauses } from '../../../src/core/index.js';
import {
  generatePhantoms,
  loadSlices,
  preprocessingSchema,
  readDataset,
  readVolume,
  siteOf,
} from '../../../src/data/index.js';
import {
  FederatedNetwork,
  loadFederationStart,
  prepareFederation,
  RoundKeeper,
  readLedger,
  runFederation,
  SiteTrainer,
  saveFederationStart,
} from '../../../src/federate/index.js';
import { familyOfSize } from '../../../src/networks/index.js';
import { fingerprint } from '../../../src/nn/index.js';
import { loadAdapter, loadSegmenter, Segmenter, saveSegmenter, segmentVolume } from '../../../src/segmenter/index.js';
import { setThreads } from '../../../src/torch/index.js';
import { brief, root } from '../../child.js';

setThreads(1);
const folder = mkdtempSync(join(tmpdir(), 'graft-programs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const sites = ['philips-t2', 'siemens-t1'] as const;
const data = join(folder, 'data');
generatePhantoms(data, { seed: 3, scanners: [...sites], cases: 2, spacing: 8 });

const programs = new Map(
  [...readFileSync(join(root, 'docs/library.md'), 'utf8').matchAll(/^```ts\n(\/\/ (\w+)\.js.*?)^```/gms)].map(
    ([, text, name]) => [name, text],
  ),
);

type Settings = Parameters<typeof prepareFederation>[1];

/** A folder with a base model, the start and the programs, as somebody sets them up who has read the page. */
function setUp(architecture: string, network: Record<string, unknown>, settings: Settings): string {
  const place = join(folder, architecture);
  mkdirSync(join(place, 'node_modules'), { recursive: true });
  symlinkSync(root, join(place, 'node_modules/graft'));
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  copyFileSync(join(root, 'test/federate/peers/folder-transport.mjs'), join(place, 'transport.js'));
  for (const [program, text] of programs) writeFileSync(join(place, `${program}.js`), text);
  const family = familyOfSize(architecture);
  const classes = ['brain'];
  const preparation = {
    preprocessing: preprocessingSchema.parse({ spacing: 8, size: [32, 32] }),
    windows: family.windows,
  };
  const config = family.configure(architecture, classes.length, network);
  const model = new Segmenter({ family, config, classes, preparation, heads: [] });
  model.initialise(1);
  saveSegmenter(join(place, 'model.safetensors'), model, {});
  saveFederationStart(join(place, 'start.safetensors'), prepareFederation(model, settings));
  model.dispose();
  const keyOf = (part: string) =>
    spawnSync(process.execPath, ['key.js', part], { cwd: place, encoding: 'utf8' }).stdout.trim();
  writeFileSync(join(place, 'coordinator.key'), keyOf('coordinator'));
  const keys = Object.fromEntries(sites.map((name) => [name, keyOf(`sites/${name}`)]));
  writeFileSync(join(place, 'sites.json'), JSON.stringify(keys));
  return place;
}

/** Runs a program to its end; with `killed`, its first process ends after its first message, the second after two, … */
async function runProgram(place: string, args: string[], { killed = false } = {}): Promise<number> {
  for (let process_ = 1; ; process_++) {
    const child = spawn(process.execPath, [...brief, ...args], {
      cwd: place,
      env: {
        ...process.env,
        SHARED_FOLDER: join(place, 'shared'),
        ...(killed && { MESSAGES: String(process_) }),
      },
    });
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    const signal = await new Promise((resolve) => child.on('close', (_, how) => resolve(how)));
    if (signal === 'SIGKILL') continue;
    expect(errors).toBe('');
    return process_ - 1;
  }
}

/** The same in one process, where the sites share a network. */
async function simulate(place: string): Promise<Map<string, string>> {
  const model = loadSegmenter(join(place, 'model.safetensors'));
  const start = loadFederationStart(join(place, 'start.safetensors'));
  using network = new FederatedNetwork(model, start);
  const classes = model.classes.length + 1;
  const members = sites.map((name) => {
    const train = loadSlices(siteOf(readDataset(data), name).cases, model.preprocessing, { classes });
    return { name, trainer: new SiteTrainer(network, { name, train }), validation: [] };
  });
  const run = join(place, 'simulation');
  const keeper = new RoundKeeper({ folder: run, network, sites: members, keep: 'last' });
  const federation = runFederation({
    ...{ ...start, folder: run, sites: members },
    evaluate: (global, round, corrections, signal) => runWithPauses(keeper.look(global, round, corrections), signal),
  });
  await runToEnd(federation, () => {});
  const { shared, sites: own } = keeper.result();
  return new Map(sites.map((name) => [name, fingerprint(own[name] ?? shared)]));
}

/** All that a ledger says of updates, bytes and states, without times. */
const story = (file: string) =>
  readLedger(file)
    .flatMap((entry) => {
      if (entry.kind === 'accepted')
        return [`${entry.round} ${entry.site} ${entry.norm} ${entry.blob.hash} ${entry.down} ${entry.up}`];
      return entry.kind === 'aggregated' ? [`${entry.round} ${JSON.stringify(entry.state)} ${entry.error}`] : [];
    })
    .sort();

const training = { batch: 4, lr: 5e-3, warmup: 1, overlap: false };

it.each([
  [
    'a U-Net whose batch normalisation stays at the sites; a site is killed',
    { architecture: 'unet2d', network: { filters: 2 }, coordinator: { killed: false } },
    { adapter: { rank: 1 }, training, config: { rounds: 2 } },
  ],
  [
    'Segment Anything whose frozen weights are corrected; a site and the coordinator are killed',
    { architecture: 'sam-tiny', network: { imageSize: 32 }, coordinator: { killed: true } },
    { adapter: { rank: 2 }, training, config: { rounds: 2, aggregation: 'fedex' } },
  ],
] as const)('%s after any message: the programs end with the bits of the simulation', async (_, setting, settings) => {
  const { architecture, network, coordinator } = setting;
  const place = setUp(architecture, network, settings);
  const simulated = await simulate(place);
  const [kills] = await Promise.all([
    runProgram(place, ['site.js', sites[0], data], { killed: true }),
    runProgram(place, ['site.js', sites[1], data]),
    runProgram(place, ['coordinator.js'], coordinator),
  ]);
  expect(kills).toBeGreaterThan(3);
  const told = story(join(place, 'simulation/coordinator/ledger.jsonl'));
  expect(told).toHaveLength(2 * (sites.length + 1));
  expect(story(join(place, 'coordinator/ledger.jsonl'))).toEqual(told);
  const model = loadSegmenter(join(place, 'model.safetensors'));
  const image = readVolume(join(data, sites[0], 'images/patient01.nii.gz'));
  for (const name of sites) {
    const adapter = loadAdapter(join(place, `${name}.safetensors`));
    expect(fingerprint(adapter.state)).toBe(simulated.get(name));
    expect(adapter.provenance).toMatchObject({ data: sites.join(', '), rounds: '2' });
    model.use(adapter);
    expect(segmentVolume(model, image)).toHaveLength(image.data.length);
  }
});
