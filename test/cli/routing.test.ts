/** `graft predict --adapter auto`: every scan with the adapter of its scanner, or with none. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, it } from 'vitest';
import { adaptationSchema } from '../../src/adapt/index.js';
import { random, runToEnd, runWithoutPauses } from '../../src/core/index.js';
import {
  type Dataset,
  generatePhantoms,
  loadSlices,
  preprocessingSchema,
  SlicePool,
  siteOf,
} from '../../src/data/index.js';
import { adaptModel, type Routing } from '../../src/jobs/index.js';
import { samConfig } from '../../src/networks/sam/index.js';
import { destinationAt, filesToSend, sendFiles } from '../../src/pacs/index.js';
import { recomputeStatistics } from '../../src/peft/index.js';
import { type Adapter, loadAdapter, type Segmenter, saveAdapter, saveSegmenter } from '../../src/segmenter/index.js';
import { setThreads, type Tensor, tensor } from '../../src/torch/index.js';
import { decode, temporaryFolder, writeSeries } from '../dicom/fixtures.js';
import { Receiver } from '../receiver/receiver.js';
import { samSegmenter, unetSegmenter } from '../segmenters.js';
import { form, Served } from '../server/viewer.js';
import { graft } from './graft.js';

setThreads(1);
const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
const env = { XDG_CONFIG_HOME: at('config') };
const [source, t2, lowField] = ['siemens-t1', 'philips-t2', 'lowfield-t1'] as const;
const targets = [t2, lowField];
const preprocessing = preprocessingSchema.parse({ spacing: 6, size: [40, 40] });
/** Cases of each site that something was learned from. */
const seen = 3;

let dataset: Dataset;
const casesOf = (site: string) => siteOf(dataset, site).cases;
/** A scan of the site that nothing was learned from, under the site's name. */
const scanOf = (site: string) => at('scans', `${site}.nii.gz`);
const slicesOf = (site: string) =>
  loadSlices(casesOf(site).slice(0, seen), preprocessing, { classes: 2, labels: false });
const adapterTo = (target: string, folder = 'adapters') => at(folder, target, 'convlora.safetensors');
/** What the file beside an image says. */
const say = (image: string, tags: object) => writeFileSync(image.replace('.nii.gz', '.json'), JSON.stringify(tags));

let runs = 0;
function predict(args: string[], model = 'model.safetensors') {
  const out = at(`masks${runs++}`);
  const { status, stdout, stderr } = graft(['predict', at(model), ...args, '--out', out, '--device', 'cpu'], { env });
  return { status, out, text: stdout + stderr, json: () => JSON.parse(stdout) };
}
const auto = (folder: string, ...args: string[]) => ['--adapter', 'auto', '--adapters', at(folder), ...args];
/** Of each image. */
function routings(images: readonly string[], folder = 'adapters', ...more: string[]): Routing[] {
  const { json, text } = predict([...images, ...auto(folder, ...more), '--json', '--quiet']);
  expect(text).toContain('"masks"');
  return json().masks.map(({ routing }: { routing: Routing }) => routing);
}
const failure = (args: string[], model?: string) => {
  const { status, json } = predict([scanOf(t2), ...args, '--json', '--quiet'], model);
  return { status, ...json().error };
};

async function adapted(model: Segmenter, target: string): Promise<Adapter> {
  const config = adaptationSchema.parse({ method: 'convlora', epochs: 0 });
  const job = { task: target, model, slices: slicesOf(target), config, target, seed: 1, toleranceMm: 2 };
  const { adapter } = await runToEnd(adaptModel({ ...job, checkpoint: at(target) }));
  return adapter;
}

function* batchesOf(pool: SlicePool) {
  for (const { take, weight } of pool.epoch(16, random(1, 'source'))) yield { images: take().images, weight };
}

beforeAll(async () => {
  dataset = generatePhantoms(at('data'), { cases: seen + 1, spacing: 6, scanners: [source, t2, lowField] });
  // Untrained, but with the source's statistics: what decides is what its features look like.
  using model = unetSegmenter({ inChannels: 1, outChannels: 1, filters: 4 }, { classes: ['brain'], preprocessing });
  model.initialise(1);
  using pool = new SlicePool(slicesOf(source));
  const forward = (images: Tensor) => model.network.logits(model.network.encode(images));
  runWithoutPauses(recomputeStatistics(model.network, forward, batchesOf(pool)));
  saveSegmenter(at('model.safetensors'), model);
  // A model among the adapters is passed over.
  saveSegmenter(at('adapters', 'model.safetensors'), model);
  mkdirSync(at('scans'));
  for (const site of [source, ...targets]) copyFileSync(casesOf(site)[seen].image, scanOf(site));
  for (const { image } of casesOf(t2).slice(0, seen))
    say(image, { Modality: 'MR', Manufacturer: 'Philips', ManufacturersModelName: 'Ingenia' });
  for (const target of targets) saveAdapter(adapterTo(target), await adapted(model, target));
});

describe('a scan that nobody has seen', () => {
  it('gets the adapter of its scanner, and one of the source the base model', () => {
    const { out, json } = predict([at('scans'), ...auto('adapters'), '--json', '--quiet']);
    const found: Routing[] = json().masks.map(({ routing }: { routing: Routing }) => routing);
    expect(found.map(({ target }) => target)).toEqual([lowField, t2, null]);
    expect(found.map(({ adapter }) => adapter)).toEqual([adapterTo(lowField), adapterTo(t2), null]);
    for (const { unsure, probability, candidates } of found) {
      expect(unsure).toBe(false);
      expect(probability).toBe(candidates[0].probability);
      expect(probability).toBeGreaterThan(0.7);
      expect(candidates).toHaveLength(3);
      expect(candidates.reduce((sum, one) => sum + one.probability, 0)).toBeCloseTo(1);
      const distances = candidates.map(({ distance }) => distance!);
      expect(distances).toEqual([...distances].sort((a, b) => a - b));
    }
    // The masks are those of the adapters' files.
    for (const [site, file] of [[t2, adapterTo(t2)], [source]] as const) {
      const alone = predict([scanOf(site), ...(file ? ['--adapter', file] : [])]).out;
      const [chosen, given] = [out, alone].map((folder) => readFileSync(join(folder, `${site}.nii.gz`)));
      expect(chosen.equals(given), site).toBe(true);
    }
    const table = parse(readFileSync(join(out, 'volumes.csv')), { columns: true }) as Record<string, string>[];
    expect(table.map((line) => line.adapter)).toEqual([lowField, t2, 'none']);
    const { models, outputs } = JSON.parse(readFileSync(join(out, 'graft-audit.jsonl'), 'utf8'));
    expect(Object.keys(models)).toEqual(['model', `adapter to ${lowField}`, `adapter to ${t2}`]);
    const used = [`adapter to ${lowField}`, `adapter to ${t2}`, 'none'];
    expect(outputs.map(({ adapter }: { adapter: string }) => adapter)).toEqual(used);
  });

  it('is left to the base model, and doubted, where no adapter is as sure as is asked for', () => {
    const args = [scanOf(t2), ...auto('adapters'), '--strict'];
    const likeliest = /\(philips-t2 (> )?0\.\d\d, then lowfield-t1 (< )?0\.\d\d\)/;
    const sure = predict(args);
    expect(sure.text).toMatch(new RegExp(`adapter: ${adapterTo(t2)} ${likeliest.source}`));
    const unsure = predict([...args, '--certainty', '1']);
    expect(unsure.status).toBe(7);
    expect(unsure.text).toMatch(new RegExp(`adapter: none ${likeliest.source}`));
    expect(unsure.text).toMatch(new RegExp(`warning: no adapter is sure enough .*${likeliest.source}`));
    expect(routings([scanOf(t2)], 'adapters', '--certainty', '1')).toMatchObject([
      { adapter: null, target: null, unsure: true, candidates: [{ target: t2 }, {}, {}] },
    ]);
  });
});

describe('what a scan’s file says', () => {
  /** The adapters, each with what its target's files said. */
  function tagged(folder: string, tags: Record<string, { modalities?: string[]; scanners?: string[] }>) {
    for (const target of targets) {
      const adapter = loadAdapter(adapterTo(target));
      saveAdapter(adapterTo(target, folder), { ...adapter, domain: { ...adapter.domain!, ...tags[target] } });
    }
  }
  const ruledOut = ({ candidates }: Routing) =>
    candidates.filter(({ distance }) => distance === null).map(({ target }) => target);

  it('is noted of an adapter’s target, and that of scan and adapters decides before statistics do', () => {
    expect(loadAdapter(adapterTo(t2)).domain).toMatchObject({ modalities: ['MR'], scanners: ['philips ingenia'] });
    expect(loadAdapter(adapterTo(lowField)).domain).toMatchObject({ modalities: [], scanners: [] });
    tagged('tagged', { [lowField]: { modalities: ['MR'], scanners: ['siemens free max'] } });
    const image = at('tagged.nii.gz');
    copyFileSync(scanOf(t2), image);
    const of = (tags: object) => {
      say(image, tags);
      return routings([image], 'tagged')[0];
    };
    const siemens = { Modality: 'MR', Manufacturer: 'SIEMENS', ManufacturersModelName: 'Free.Max' };
    expect(ruledOut(of(siemens))).toEqual([t2]);
    expect(of(siemens).target).toBe(lowField);
    // A scanner that no adapter knows rules none out.
    expect(of({ ...siemens, Manufacturer: 'GE' })).toMatchObject({ target: t2, unsure: false });
    expect(of({ Modality: 'CT' })).toMatchObject({ target: null, probability: 1, unsure: false });
  });

  it('counts of DICOM, too, and the mask says with which adapter it was made', () => {
    writeSeries(at('series'), { slices: 6, rows: 24, columns: 24, spacing: 8, change: () => ({ Modality: 'MR' }) });
    tagged('dicom', { [t2]: { scanners: ['acme ring 5'] }, [lowField]: { scanners: ['siemens free max'] } });
    const args = [at('series'), ...auto('dicom', '--certainty', '0'), '--format', 'dicom-seg', '--empty'];
    const [{ mask, routing }] = predict([...args, '--json', '--quiet']).json().masks;
    expect(ruledOut(routing)).toEqual([lowField]);
    const [{ SegmentAlgorithmName: name }] = decode(readFileSync(mask)).SegmentSequence as Record<string, unknown>[];
    expect(routing.target).toBe(t2);
    expect(name).toBe('graft model with convlora');
  });
});

describe('adapters', () => {
  const changed = (folder: string, change: (adapter: Adapter) => Partial<Adapter>) => {
    for (const target of targets) {
      const adapter = loadAdapter(adapterTo(target));
      saveAdapter(adapterTo(target, folder), { ...adapter, ...change(adapter) });
    }
  };

  it('of earlier versions are known by the statistics that they put in the place of the source’s', () => {
    const withStatistics = ({ domain, state }: Adapter) => {
      for (const [path, { mean, variance }] of Object.entries(domain!.statistics)) {
        state.set(`${path}.running_mean`, tensor(mean));
        state.set(`${path}.running_var`, tensor(variance));
      }
      return { domain: undefined, state };
    };
    changed('earlier', withStatistics);
    expect(routings([scanOf(t2)], 'earlier')).toMatchObject([{ target: t2 }]);
    changed('untold', () => ({ domain: undefined }));
    expect(failure(auto('untold'))).toMatchObject({ status: 4, code: 'ADAPTER_UNTOLD' });
  });

  it('that cannot be chosen from are refused before anything is segmented', () => {
    changed('foreign', () => ({ base: '0'.repeat(64) }));
    expect(failure(auto('foreign'))).toMatchObject({ status: 4, code: 'ADAPTER_OTHER_BASE' });
    mkdirSync(at('empty'));
    copyFileSync(at('model.safetensors'), at('empty', 'model.safetensors'));
    for (const [folder, found] of [
      ['empty', 'no adapter'],
      ['nowhere', 'no such file'],
    ])
      expect(failure(auto(folder))).toMatchObject({
        ...{ status: 2, code: 'ADAPTERS_NONE', message: expect.stringContaining(found) },
      });
    copyFileSync(adapterTo(t2), at('adapters', 'twin.safetensors'));
    expect(failure(auto('adapters'))).toMatchObject({
      ...{ status: 2, code: 'ADAPTERS_ALIKE', message: expect.stringContaining(`adapts to ${t2}`) },
    });
    rmSync(at('adapters', 'twin.safetensors'));
    writeFileSync(at('empty', 'damaged.safetensors'), 'nothing');
    expect(failure(auto('empty')).message).toContain('damaged.safetensors');
  });

  it('are asked for by auto with a folder, not beside a file, a prompt or a network without their statistics', () => {
    for (const args of [
      ['--adapter', 'auto'],
      ['--adapter', adapterTo(t2), '--adapters', at('adapters')],
      ['--certainty', '0.5'],
      auto('adapters', '--prompt', 'point 1,1,1'),
    ])
      expect(failure(args)).toMatchObject({ status: 2, code: 'OPTION_INVALID' });
    using sam = samSegmenter(samConfig('sam-tiny', { imageSize: 32, classes: 1 }), { classes: ['brain'] });
    saveSegmenter(at('sam.safetensors'), sam);
    expect(failure(auto('adapters'), 'sam.safetensors')).toMatchObject({ status: 2, code: 'ROUTING_UNSUITED' });
  });
});

describe('a receiver', () => {
  it('gives each series the adapter of its scanner', async () => {
    writeSeries(at('sent'), { slices: 6, rows: 24, columns: 24, spacing: 8, change: () => ({ Modality: 'MR' }) });
    const choice = ['--model', at('model.safetensors'), '--adapters', at('dicom'), '--certainty', '0'];
    const receiver = new Receiver(['--out', at('received'), ...choice, '--empty', '--quiet-seconds', '0.2'], env);
    try {
      await receiver.until('listening');
      await runToEnd(
        sendFiles(destinationAt(`GRAFT@127.0.0.1:${receiver.port}`, { aet: 'MR1' }), filesToSend([at('sent')])),
      );
      expect(await receiver.until('segmented')).toMatchObject({ adapter: t2, probability: expect.any(Number) });
    } finally {
      await receiver.end('SIGKILL');
    }
  });
});

describe('a viewer', () => {
  it('is offered the choice as a model, beside adapters by name', async () => {
    const named = ['--adapter', `auto,${t2}=${adapterTo(t2)}`, '--adapters', at('adapters')];
    const served = await Served.start([at('model.safetensors'), at('scans'), '--labels', at('labels'), ...named], env);
    try {
      const { body } = await served.json('/info/');
      expect(Object.keys(body.models)).toEqual(['auto', t2]);
      const infer = async (model: string, image: string) => {
        const { headers, body } = form({ params: {} });
        const answer = await fetch(`${served.url}/infer/${model}?image=${image}&output=json`, {
          method: 'POST',
          headers,
          body,
        });
        return (await answer.json()) as { chosen?: { adapter: string | null; probability: number } };
      };
      // An adapter by name in between does not stay in use.
      expect((await infer('auto', lowField)).chosen).toMatchObject({ adapter: lowField });
      expect(await infer(t2, lowField)).not.toHaveProperty('chosen');
      expect((await infer('auto', source)).chosen).toMatchObject({ adapter: null });
      expect((await infer('auto', t2)).chosen).toMatchObject({ adapter: t2, probability: expect.any(Number) });
    } finally {
      await served.end('SIGKILL');
    }
  });

  it('is not offered a choice among nothing', () => {
    const refused = (...more: string[]) =>
      graft(['serve', at('model.safetensors'), at('scans'), ...more, '--json'], { env }).json().error.code;
    expect(refused('--adapter', 'auto')).toBe('OPTION_INVALID');
    expect(refused('--adapters', at('adapters'))).toBe('OPTION_INVALID');
  });
});
