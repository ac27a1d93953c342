/** What people with 3D Slicer or OHIF rely on in `graft serve`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/audit/index.js';
import {
  generatePhantoms,
  loadCase,
  preprocessingSchema,
  readDataset,
  readLabel,
  readVolume,
  siteOf,
  writeMask,
  writeVolume,
} from '../../src/data/index.js';
import { saveSegmenter, segmentVolume } from '../../src/segmenter/index.js';
import { setThreads } from '../../src/torch/index.js';
import { temporaryFolder, valueAt, writeSeries } from '../dicom/fixtures.js';
import { unetSegmenter } from '../segmenters.js';
import { form, Served } from './viewer.js';

setThreads(1);
const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
const site = 'ge-t1';
const images = at('data', site, 'images');
const labels = at('data', site, 'labels');
const imageOf = (name: string) => join(images, `${name}.nii.gz`);
const labelOf = (name: string) => join(labels, `${name}.nii.gz`);
const origin = 'https://ohif.example';
const seriesUid = '1.2.826.0.1.3680043.8.498.4711.2';
const seriesSize = { slices: 6, rows: 20, columns: 24, pixelSpacing: [8, 8] as [number, number], spacing: 8 };

const model = unetSegmenter(
  { inChannels: 1, outChannels: 2, filters: 4 },
  { classes: ['brain', 'lesion'], preprocessing: preprocessingSchema.parse({ spacing: 8, size: [32, 32] }) },
);
let served: Served;

beforeAll(async () => {
  generatePhantoms(at('data'), { cases: 3, spacing: 8, scanners: [site] });
  for (const name of ['patient02', 'patient03']) renameSync(labelOf(name), at(`${name}.nii.gz`));
  writeSeries(join(images, 'scan'), seriesSize);
  model.initialise(3);
  saveSegmenter(at('model.safetensors'), model);
  served = await Served.start([at('model.safetensors'), images, '--origin', origin], { XDG_CONFIG_HOME: at('config') });
});
afterAll(() => {
  served.child.kill('SIGKILL');
  model.dispose();
});

const infer = (image: string, params: object = {}, more = '') => {
  const { headers, body } = form({ params: { client_id: 'user-xyz', ...params } });
  return fetch(`${served.url}/infer/model?image=${encodeURIComponent(image)}${more}`, {
    method: 'POST',
    headers,
    body,
  });
};
const put = (path: string, fields: object, files: Record<string, [string, Uint8Array]>) =>
  served.json(path, { method: 'PUT', ...form({ params: { client_id: 'user-xyz', ...fields } }, files) });
const save = (image: string, file: string, fields: object = {}) =>
  put(`/datastore/label?image=${image}`, fields, { label: [file, readFileSync(file)] });

/** What `infer` of the client makes of an answer. */
async function answered(response: Response): Promise<{ name: string; file: string; params: object }> {
  expect(response.status).toBe(200);
  const parts = await response.formData();
  const image = parts.get('image') as File;
  const file = at(image.name);
  writeFileSync(file, Buffer.from(await image.arrayBuffer()));
  return { name: image.name, file, params: JSON.parse(parts.get('params') as string) };
}

it('says what there is, in the words that the extensions read', async () => {
  const { body } = await served.json('/info/');
  expect(body).toMatchObject({
    labels: ['brain', 'lesion'],
    models: { model: { type: 'segmentation', labels: { brain: 1, lesion: 2 } } },
    trainers: {},
    datastore: { total: 4, completed: 1, label_tags: { final: 1 } },
  });
  expect(Object.keys(body.strategies)).toEqual(['first', 'random', 'uncertainty']);
  expect(await served.json('/auth/')).toEqual({ status: 200, body: { enabled: false } });
  expect((await served.json('/train/?check_if_running=true')).status).toBe(404);
  const train = await served.json('/train/model', { method: 'POST', body: '{}' });
  expect(train).toMatchObject({ status: 404, body: { code: 'NOT_OFFERED' } });
  const { objects } = (await served.json('/datastore/?output=all')).body;
  expect(objects.patient01).toMatchObject({ image: { ext: '.nii.gz' }, labels: { final: { ext: '.nii.gz' } } });
  expect((await served.json('/datastore/?output=train')).body).toEqual([
    { image: 'patient01.nii.gz', label: 'patient01.nii.gz' },
  ]);
});

describe('a mask', () => {
  it('is what the model gives, as NIfTI on the grid of the image', async () => {
    const { file, name, params } = await answered(await infer('patient02'));
    const image = readVolume(imageOf('patient02'));
    const mask = readLabel(file);
    expect(name).toMatch(/^label-\w+\.nii\.gz$/);
    expect(mask.data).toEqual(segmentVolume(model, image));
    expect({ affine: mask.affine, dims: mask.grid.dims }).toEqual({ affine: image.affine, dims: image.grid.dims });
    expect(params).toMatchObject({ label_names: { brain: 1, lesion: 2 }, model: 'model' });
  });

  it('is NRRD where the extensions ask for that, the voxels as they are stored', async () => {
    const { file } = await answered(await infer('patient02', { result_extension: '.nii', result_compress: false }));
    const nrrd = await infer('patient02', { result_extension: '.nrrd', result_compress: false }, '&output=image');
    const { header, voxels } = parseNrrd(Buffer.from(await nrrd.arrayBuffer()));
    expect(voxels.equals(readFileSync(file).subarray(352))).toBe(true);
    expect(header).toMatchObject({ type: 'uint8', sizes: readVolume(imageOf('patient02')).grid.dims.join(' ') });
  });

  it('of a series has the order of its images, and the series is known by its identifier', async () => {
    const nrrd = await infer(seriesUid, { result_extension: '.nrrd', result_compress: false }, '&output=image');
    const { header } = parseNrrd(Buffer.from(await nrrd.arrayBuffer()));
    expect(header).toMatchObject({
      sizes: '24 20 6',
      'space directions': '(8,0,0) (0,8,0) (0,0,8)',
      'space origin': '(-12,7,-30)',
    });
    const download = await fetch(`${served.url}/datastore/image?image=${seriesUid}`);
    const file = at('series.nii');
    writeFileSync(file, Buffer.from(await download.arrayBuffer()));
    expect(readVolume(file).data.toSorted().at(-1)).toBe(valueAt(5, 19, 23, seriesSize) - 1024);
  });

  it('is only what is said of it, with parameters as JSON', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    const { body } = await served.json('/infer/model?image=patient02&output=json', init);
    expect(Object.keys(body.volumes_ml)).toEqual(['brain', 'lesion']);
  });

  it('of an image that is uploaded for a while', async () => {
    // As `requests` sends a file.
    const files = new FormData();
    files.append('client_id', 'user-xyz');
    files.append('files', new Blob([readFileSync(imageOf('patient03'))]), 'tmpabc.nii.gz');
    const { body } = await served.json('/session/?expiry=600', { method: 'PUT', body: files });
    const path = `/session/${body.session_id}`;
    expect(body.session_info).toMatchObject({ expiry: 600 });
    expect((await served.json(path)).status).toBe(200);
    const { file } = await answered(await infer('Volume', {}, `&session_id=${body.session_id}`));
    expect(readLabel(file).data).toEqual(segmentVolume(model, readVolume(imageOf('patient03'))));
    const kept = join(labels, '.work', 'sessions');
    expect(readdirSync(kept)).toEqual([body.session_id]);
    expect((await served.json(path, { method: 'DELETE' })).status).toBe(200);
    expect(readdirSync(kept)).toEqual([]);
    expect((await served.json(path)).status).toBe(404);
  });
});

describe('the next image', () => {
  const next = async (strategy: string) =>
    (await served.json(`/activelearning/${strategy}`, { method: 'POST', body: '{"client_id": "user-xyz"}' })).body;

  it('has no label, and is there to be fetched', async () => {
    const { id, name, checksum } = await next('first');
    expect({ id, name }).toEqual({ id: 'patient02', name: 'patient02.nii.gz' });
    expect(checksum).toMatch(/^SHA256:[0-9a-f]{64}$/);
    const image = await fetch(`${served.url}/datastore/image?image=${id}`);
    expect(Buffer.from(await image.arrayBuffer()).equals(readFileSync(imageOf(id)))).toBe(true);
    expect(['patient02', 'patient03', expect.stringMatching(/^patient-/)]).toContainEqual((await next('random')).id);
  });

  it('is the one that the model is least sure of, once all were looked at', async () => {
    const { objects } = (await served.json('/datastore/?output=all')).body;
    const names = Object.keys(objects).filter((name) => name !== 'patient01');
    expect(names).toContain((await next('uncertainty')).id);
    const file = join(labels, 'uncertainty.json');
    const known = () => JSON.parse(readFileSync(file, 'utf8')).images as Record<string, { entropy: number }>;
    await expect.poll(() => Object.keys(known()).sort(), { timeout: 60_000 }).toEqual([...names].sort());
    const [least] = names.sort((a, b) => known()[b].entropy - known()[a].entropy);
    expect((await next('uncertainty')).id).toBe(least);
    const { entropy } = (await (await infer(least, {}, '&output=json')).json()) as { entropy: number };
    expect(known()[least].entropy).toBe(entropy);
  });
});

describe('a corrected mask', () => {
  const file = at('corrected.nii.gz');
  const info = {
    label_info: [
      { name: 'lesion', idx: 1 },
      { name: 'brain', idx: 2 },
    ],
    model: 'model',
  };

  it('becomes a label by the names of its segments, and nothing of before is lost', async () => {
    const image = readVolume(imageOf('patient02'));
    const data = new Uint8Array(image.data.length);
    data.set([2, 2, 1], 1000);
    writeMask(file, data, image.grid);
    expect(await save('patient02', file, info)).toEqual({
      status: 200,
      body: { image: 'patient02', label: 'patient02' },
    });
    const stored = readFileSync(labelOf('patient02'));
    expect(readLabel(labelOf('patient02')).data.slice(1000, 1003)).toEqual(new Uint8Array([1, 1, 2]));
    await save('patient02', file, info); // the same again
    data[1003] = 1;
    writeMask(file, data, image.grid);
    await save('patient02', file, info);
    expect(readdirSync(join(labels, 'earlier', 'patient02'))).toEqual(['1.nii.gz']);
    expect(readFileSync(join(labels, 'earlier', 'patient02', '1.nii.gz')).equals(stored)).toBe(true);
    const download = await fetch(`${served.url}/datastore/label?label=patient02&tag=final`);
    expect(Buffer.from(await download.arrayBuffer()).equals(readFileSync(labelOf('patient02')))).toBe(true);
    expect(verifyAudit(join(labels, 'graft-audit.jsonl')).count).toBe(2);
  });

  it('is refused where it does not fit, and nothing is written', async () => {
    const { data, shape, affine } = readLabel(file);
    const moved = affine.map((value, i) => (i === 3 ? value + 5 : value));
    writeVolume(at('moved.nii.gz'), { data, shape, affine: moved });
    const unknown = { label_info: [{ name: 'tumour', idx: 1 }, info.label_info[1]] };
    const refused = [
      await save('patient03', at('moved.nii.gz'), info),
      await save('patient03', at('patient03.nii.gz'), unknown),
      await save('patient03', at('patient03.nii.gz'), { label_info: [null] }),
      await save('patient03', imageOf('patient03')),
      await save('nobody', file),
      await put('/datastore/label?image=patient03', {}, { label: ['x.nii.gz', Buffer.from('not an image')] }),
    ];
    expect(refused.map(({ status, body: { code } }) => [status, code])).toEqual([
      [422, 'GRID_MISMATCH'],
      [422, 'LABEL_CLASS'],
      [422, 'LABEL_CLASS'],
      [422, 'LABEL_VALUE'],
      [404, 'IMAGE_UNKNOWN'],
      [422, 'NIFTI_EXPECTED'],
    ]);
    expect(JSON.stringify(refused)).not.toContain(root);
    expect(existsSync(labelOf('patient03'))).toBe(false);
    expect(readdirSync(join(labels, '.work'))).toEqual(['sessions']);
  });

  it('and an image under the name that Slicer gave it are a case to train on', async () => {
    const bytes = readFileSync(imageOf('patient03'));
    const upload = (content: Uint8Array) =>
      put(`/datastore/?image=${encodeURIComponent('3: T1 axial')}`, {}, { file: ['/tmp/x.nii.gz', content] });
    expect(await upload(bytes)).toEqual({ status: 200, body: { image: '3- T1 axial' } });
    expect((await upload(bytes)).status).toBe(200);
    expect((await upload(readFileSync(imageOf('patient02')))).body.code).toBe('IMAGE_EXISTS');
    const { file: mask } = await answered(await infer('3: T1 axial'));
    expect((await save('3%3A+T1+axial', mask)).status).toBe(200);
    const { cases } = siteOf(readDataset(at('data')), site);
    const labelled = cases.filter(({ label }) => label !== undefined);
    expect(labelled.map(({ name }) => name)).toEqual(['3- T1 axial', 'patient01', 'patient02']);
    for (const one of labelled) expect(loadCase(one, { classes: 3 }).label).toBeDefined();
  });
});

describe('who may not', () => {
  it('is a page of another origin, and a name that leads here', async () => {
    expect(await served.raw('/info/', { host: 'evil.example' })).toMatchObject({ status: 403 });
    expect(await served.raw('/info/', { host: '127.0.0.1:1', origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      text: expect.stringContaining('ORIGIN_REFUSED'),
    });
    expect((await served.raw('/info/', { host: 'localhost' })).status).toBe(200);
    const response = await fetch(`${served.url}/info/`);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('is not a page of a viewer that the server was told of', async () => {
    const { headers } = await fetch(`${served.url}/info/`, { headers: { origin } });
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    const preflight = { origin, 'access-control-request-method': 'PUT' };
    const { status } = await fetch(`${served.url}/datastore/label`, { method: 'OPTIONS', headers: preflight });
    expect(status).toBe(204);
  });

  it('finds no file that is not listed, and sends no more than is taken', async () => {
    writeFileSync(at('data', site, 'secret.nii.gz'), readFileSync(imageOf('patient01')));
    for (const id of ['../secret', imageOf('patient01'), '..%2Fsecret', ''])
      expect((await served.json(`/datastore/image?image=${encodeURIComponent(id)}`)).status).toBe(404);
    const { headers } = form({});
    const huge = await served.raw('/session/', { ...headers, 'content-length': String(2 ** 40) }, 'PUT');
    expect(huge).toMatchObject({ status: 413, text: expect.stringContaining('UPLOAD_TOO_LARGE') });
    const broken = await served.json('/session/', { method: 'PUT', headers, body: 'no form' });
    expect(broken).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
  });

  it('waits behind too many others; what was cancelled is not computed', async () => {
    const [nz, ny, nx] = [128, 160, 160];
    const data = Int16Array.from({ length: nz * ny * nx }, (_, i) => i % 97);
    mkdirSync(at('large'));
    const large = at('large', 'large.nii');
    writeVolume(large, { data, shape: [nz, ny, nx], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] });
    const files = new FormData();
    files.append('files', new Blob([readFileSync(large)]), 'large.nii');
    const { session_id } = (await served.json('/session/', { method: 'PUT', body: files })).body;
    const path = `${served.url}/infer/model?image=x&session_id=${session_id}`;
    const cancelled = new AbortController();
    const init = { method: 'POST', signal: cancelled.signal };
    const asked = Array.from({ length: 9 }, () => fetch(path, init));
    const busy = await Promise.any(asked);
    expect(busy.status).toBe(503);
    await busy.json();
    cancelled.abort();
    await Promise.allSettled(asked);
    // It notices a little later that they are gone.
    await expect.poll(async () => (await infer('patient02')).status, { timeout: 60_000 }).toBe(200);
    expect(served.acts.filter(({ image }) => image?.includes(session_id))).toEqual([]);
  });
});

it('ends at a signal, with nothing left over', async () => {
  expect(await served.end('SIGTERM')).toBe(130);
  expect(served.acts.at(-1)).toMatchObject({ stopped: true });
  const left = readdirSync(labels).filter((name) => !name.endsWith('.nii.gz'));
  expect(left.sort()).toEqual(['earlier', 'graft-audit.jsonl', 'uncertainty.json']);
});

/** The fields of the header, and the voxels as they are. */
function parseNrrd(bytes: Buffer): { header: Record<string, string>; voxels: Buffer } {
  const end = bytes.indexOf('\n\n');
  const [magic, ...lines] = bytes.subarray(0, end).toString('latin1').split('\n');
  expect(magic).toMatch(/^NRRD000\d$/);
  return {
    header: Object.fromEntries(lines.map((line) => line.split(': ', 2))),
    voxels: bytes.subarray(end + 2),
  };
}
