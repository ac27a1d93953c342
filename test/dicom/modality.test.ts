/** What kind of image a series is, and of which scanner, stays known after conversion, and nothing else does. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { readDataset, readVolume, writeMask } from '../../src/data/index.js';
import { loadSegmenter } from '../../src/segmenter/index.js';
import { graft } from '../cli/graft.js';
import { temporaryFolder, writeSeries } from './fixtures.js';

const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
const env = { XDG_CONFIG_HOME: at('config') };
const size = { slices: 4, rows: 16, columns: 16 };
const uid = (i: number) => `1.2.826.0.1.3680043.8.498.4711.${i}`;

function say(args: string[]) {
  const { status, stdout, stderr } = graft([...args, '--json', '--quiet'], { env });
  expect(status, stdout + stderr).toBe(0);
  return JSON.parse(stdout);
}

it('converted series tell their modality: training notes it, and an image of another is doubted', () => {
  for (const i of [1, 2, 3])
    writeSeries(at('export', `${i}`), { ...size, uid: uid(i), change: () => ({ PatientID: `P${i}` }) });
  const images = at('data', 'one', 'images');
  const { series } = say(['data', 'convert', at('export'), '--out', images]);
  const files: string[] = series.flatMap((one: { files: string[] }) => one.files);
  expect(files).toHaveLength(3);
  mkdirSync(at('data', 'one', 'labels'));
  for (const file of files) {
    const said = { Modality: 'CT', Manufacturer: 'ACME', ManufacturersModelName: 'Ring 5' };
    expect(JSON.parse(readFileSync(file.replace('.nii.gz', '.json'), 'utf8'))).toEqual(said);
    const { data, grid } = readVolume(file);
    const bright = Uint8Array.from(data, (value) => (value > -400 ? 1 : 0));
    writeMask(file.replace('images', 'labels'), bright, grid);
  }
  const faults: unknown[] = [];
  const { sites } = readDataset(at('data'), { report: (fault) => faults.push(fault) });
  expect(sites[0].cases.map(({ image }) => image).sort()).toEqual([...files].sort());
  expect(faults).toEqual([]);

  const model = at('model.safetensors');
  say(['train', at('data'), '--site', 'one', '--out', model, '--filters', '2', '--epochs', '1', '--device', 'cpu']);
  expect(loadSegmenter(model).profile!.modalities).toEqual(['CT']);

  writeSeries(at('other'), { ...size, uid: uid(9), change: () => ({ Modality: 'MR', PatientID: 'P9' }) });
  say(['data', 'convert', at('other'), '--out', at('converted')]);
  const ofModality = (folder: string, out: string) => {
    const { masks } = say(['predict', model, folder, '--out', at(out), '--device', 'cpu']);
    return masks.flatMap(({ warnings }: { warnings: string[] }) => warnings.filter((text) => /modality/.test(text)));
  };
  const doubt = ['modality MR, source cases CT'];
  expect([ofModality(at('other'), 'a'), ofModality(at('converted'), 'b')]).toEqual([doubt, doubt]);
  expect(ofModality(images, 'c')).toEqual([]);
});
