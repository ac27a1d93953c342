/** An archive over DICOMweb: studies found, brought here whole and once, results sent, and what a bad link or a stranger does. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runToEnd } from '../../src/core/index.js';
import { preprocessingSchema } from '../../src/data/index.js';
import {
  type ArchivedStudy,
  archiveAt,
  destinationAt,
  filesToSend,
  findStudies,
  retrieveStudy,
  sendFiles,
  studyAt,
} from '../../src/pacs/index.js';
import { bodyOf, partsOf } from '../../src/pacs/multipart.js';
import { ask } from '../../src/pacs/request.js';
import { saveSegmenter } from '../../src/segmenter/index.js';
import { root as project } from '../child.js';
import { decode, temporaryFolder, writeSeries } from '../dicom/fixtures.js';
import { freePort } from '../federate/nats/server.js';
import { Receiver } from '../receiver/receiver.js';
import { unetSegmenter } from '../segmenters.js';
import { describeWithArchive, TestArchive } from './orthanc.js';

const root = temporaryFolder();
const at = (...names: string[]) => join(root, ...names);
let count = 0;
const place = () => at(`place${count++}`);
const code = (expected: string) => expect.objectContaining({ code: expected });
const ignore = async () => {};

beforeEach(() => {
  vi.stubEnv('XDG_CONFIG_HOME', at('config'));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('addresses and credentials', () => {
  it.each([
    ['http://pacs.example.org/dicom-web', 'PACS_PLAIN'],
    ['ftp://pacs.example.org', 'PACS_ADDRESS'],
    ['pacs', 'PACS_ADDRESS'],
    ['https://me:secret@pacs.example.org', 'PACS_CREDENTIALS'],
  ])('%s is refused: %s, without saying a password', (address, expected) => {
    expect(() => archiveAt(address)).toThrowError(code(expected));
    expect(() => archiveAt(address)).not.toThrowError(/secret/);
  });

  it('come from the environment or a file that is its owner’s alone', () => {
    const address = 'dicomweb://pacs.example.org/dicom-web/';
    expect(archiveAt(address)).toMatchObject({
      authorization: undefined,
      url: new URL('https://pacs.example.org/dicom-web'),
    });
    vi.stubEnv('GRAFT_PACS_USER', 'me');
    expect(() => archiveAt(address)).toThrowError(code('PACS_CREDENTIALS'));
    vi.stubEnv('GRAFT_PACS_PASSWORD', 'a:b');
    expect(archiveAt(address).authorization).toBe(`Basic ${Buffer.from('me:a:b').toString('base64')}`);
    vi.stubEnv('GRAFT_PACS_TOKEN', 'abc.def');
    expect(archiveAt(address).authorization).toBe('Bearer abc.def');
    const credentials = at('credentials');
    writeFileSync(credentials, 'you:secret\n', { mode: 0o600 });
    expect(archiveAt(address, { credentials }).authorization).toBe(
      `Basic ${Buffer.from('you:secret').toString('base64')}`,
    );
    chmodSync(credentials, 0o644);
    expect(() => archiveAt(address, { credentials })).toThrowError(code('SECRET_EXPOSED'));
    expect(() => archiveAt(address, { credentials: at('absent') })).toThrowError(code('PACS_CREDENTIALS'));
    expect(() => archiveAt(address, { ca: at('credentials') })).toThrowError(code('PACS_TLS_FILE'));
    expect(() => archiveAt('http://pacs.example.org', { plainHttp: true })).not.toThrow();
  });

  it('a study is named by its address', () => {
    const found = studyAt('https://h/dicom-web/studies/1.2.3/series/4.5');
    expect([found.archive.url.pathname, found.study, found.series]).toEqual(['/dicom-web', '1.2.3', '4.5']);
    for (const wrong of ['https://h/dicom-web', 'https://h/studies/x', 'https://h/studies/1.2/instances/3'])
      expect(() => studyAt(wrong)).toThrowError(code('PACS_ADDRESS'));
  });
});

describe('bodies of several parts', () => {
  it('are read as they were written, whatever a file holds', () => {
    const file = Buffer.from('DICM\r\n\r\n--graft-\r\n--x--\r\n');
    const { type, pieces } = bodyOf(file);
    expect(partsOf(type, Buffer.concat(pieces))).toEqual([file]);
  });

  it.each([
    ['no type of several parts', 'application/dicom', '--b\r\n\r\nx\r\n--b--'],
    ['no boundary', 'multipart/related', '--b\r\n\r\nx\r\n--b--'],
    ['no end', 'multipart/related; boundary=b', '--b\r\n\r\nx\r\n'],
    ['a length that is not its own', 'multipart/related; boundary=b', '--b\r\nContent-Length: 5\r\n\r\nx\r\n--b--'],
  ])('that have %s are not believed', (_, type, body) => {
    expect(partsOf(type, Buffer.from(body))).toBeUndefined();
  });
});

describeWithArchive('an Orthanc over TLS', () => {
  let orthanc: TestArchive;
  const options = () => ({ ca: orthanc.ca, credentials: at('orthanc.credentials') });
  const archive = () => archiveAt(orthanc.address, options());
  const series = '1.2.826.0.1.3680043.8.498.4711.2';
  const study = '1.2.826.0.1.3680043.8.498.4711.1';
  const wanted = (): ArchivedStudy => ({ archive: archive(), study, series: undefined });
  const get = (from: ArchivedStudy, folder: string) => runToEnd(retrieveStudy(from, folder), ignore);
  const env = () => ({ XDG_CONFIG_HOME: at('config'), GRAFT_PACS_USER: 'tester', GRAFT_PACS_PASSWORD: 'a pass:word' });

  beforeAll(async () => {
    orthanc = new TestArchive(at('orthanc'), await freePort());
    await orthanc.start();
    writeFileSync(at('orthanc.credentials'), 'tester:a pass:word\n', { mode: 0o600 });
    const size = { slices: 6, rows: 24, columns: 24, pixelSpacing: [8, 8] as [number, number], spacing: 8 };
    writeSeries(at('source'), size);
    writeFileSync(at('source', 'notes.txt'), 'no DICOM');
    const sent = await runToEnd(sendFiles(archive(), filesToSend([at('source')])), ignore);
    expect(sent).toBe(6);
  }, 30_000);
  afterAll(() => orthanc?.stop());

  it('finds studies, with patients under pseudonyms', async () => {
    const found = await findStudies(archive(), { modality: 'CT', date: '20240101', limit: 10 });
    expect(found).toEqual([
      expect.objectContaining({ study, date: '20240101', modalities: ['CT'], description: 'PLANTED STUDY' }),
    ]);
    expect(found[0].patient).toMatch(/^patient-[0-9a-f]{8}$/);
    expect(await findStudies(archive(), { patientId: 'NOBODY', limit: 10 })).toEqual([]);
  });

  it('gives a study as it was sent, once', async () => {
    const folder = place();
    const first = await get(wanted(), folder);
    expect([first.retrieved, first.present, first.files.length]).toEqual([6, 0, 6]);
    const pixels = (file: string) =>
      Buffer.from((decode(readFileSync(file)).PixelData as ArrayBuffer[])[0]).toString('hex');
    const sources = readdirSync(at('source')).filter((name) => name.startsWith('IM'));
    expect(first.files.map(pixels).sort()).toEqual(sources.map((name) => pixels(at('source', name))).sort());
    expect(first.files.join()).not.toContain('498.4711');
    // One is lost, one is damaged: these two alone are asked for again.
    rmSync(first.files[1]);
    writeFileSync(first.files[2], readFileSync(first.files[2]).fill(0, 400, 410));
    const again = await get({ ...wanted(), series }, folder);
    expect([again.retrieved, again.present]).toEqual([2, 4]);
    expect((await get(wanted(), folder)).retrieved).toBe(0);
  });

  it('is refused without its authority, without a password, and where it has no such study', async () => {
    const { credentials, ca } = options();
    await expect(findStudies(archiveAt(orthanc.address, { credentials }), { limit: 1 })).rejects.toThrowError(
      code('PACS_CERTIFICATE'),
    );
    await expect(findStudies(archiveAt(orthanc.strict, options()), { limit: 1 })).rejects.toThrowError(
      code('PACS_OWN_CERTIFICATE'),
    );
    const known = archiveAt(orthanc.strict, { ...options(), ...orthanc.caller });
    expect(await findStudies(known, { limit: 1 })).toHaveLength(1);
    await expect(findStudies(archiveAt(orthanc.address, { ca }), { limit: 1 })).rejects.toThrowError(
      code('PACS_DENIED'),
    );
    await expect(get({ ...wanted(), study: '1.2.3' }, place())).rejects.toThrowError(code('PACS_NOT_FOUND'));
    await expect(
      findStudies(archiveAt(orthanc.address.replace('dicom-web', 'nothing'), options()), { limit: 1 }),
    ).resolves.toEqual([]);
  });

  it('says why it does not take a file', async () => {
    const folder = place();
    mkdirSync(folder);
    expect(() => filesToSend([at('source', 'notes.txt')])).toThrowError(code('PACS_NOTHING'));
    writeFileSync(join(folder, 'broken.dcm'), readFileSync(at('source', 'IM0000')).subarray(0, 300));
    await expect(runToEnd(sendFiles(archive(), [join(folder, 'broken.dcm')]), ignore)).rejects.toThrowError(
      expect.objectContaining({ code: expect.stringMatching(/^PACS_(REFUSED|ANSWER)$/) }),
    );
  });

  describe('behind a bad link', () => {
    const linked = () => archiveAt(orthanc.badLink, options());
    afterEach(() => {
      orthanc.meddle = () => false;
    });
    const asked = {
      path: '/studies',
      accept: 'application/dicom+json',
      what: 'a search',
      limit: 2 ** 20,
      pauses: [1, 1, 1],
    };

    it('busy answers and broken connections are tried again, then told of', async () => {
      let left = 3;
      orthanc.meddle = (_, response) => {
        if (left-- <= 0) return false;
        if (left === 1) response.destroy();
        else response.writeHead(503, { 'retry-after': '0' }).end();
        return true;
      };
      expect((await ask(linked(), asked)).status).toBe(200);
      left = 100;
      await expect(ask(linked(), asked)).rejects.toThrowError(code('PACS_ANSWER'));
      expect(left).toBe(96);
      orthanc.meddle = (_, response) => !!response.destroy();
      await expect(ask(linked(), asked)).rejects.toThrowError(code('PACS_UNREACHABLE'));
    });

    it('what is too long, redirected, of another type or of another image is not believed', async () => {
      await expect(ask(linked(), { ...asked, limit: 10 })).rejects.toThrowError(code('PACS_TOO_LARGE'));
      orthanc.meddle = (_, response) => !!response.writeHead(302, { location: 'https://elsewhere' }).end();
      await expect(findStudies(linked(), { limit: 1 })).rejects.toThrowError(code('PACS_ANSWER'));
      orthanc.meddle = (_, response) => !!response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
      await expect(findStudies(linked(), { limit: 1 })).rejects.toThrowError(code('PACS_ANSWER'));
      const { type, pieces } = bodyOf(readFileSync(at('source', 'IM0000')));
      orthanc.meddle = ({ url }, response) => {
        if (!url?.match(/instances\/[\d.]+$/)) return false;
        response.writeHead(200, { 'content-type': type }).end(Buffer.concat(pieces));
        return true;
      };
      const folder = place();
      await expect(get({ ...wanted(), archive: linked() }, folder)).rejects.toThrowError(code('PACS_DIFFERS'));
      // The one image that is the right one is kept.
      const kept = existsSync(folder)
        ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.dcm'))
        : [];
      expect(kept.length).toBeLessThanOrEqual(1);
    });

    it('a retrieval that broke off goes on with what is missing', async () => {
      let images = 0;
      orthanc.meddle = ({ url }, response) => {
        if (!url?.match(/instances\/[\d.]+$/) || images++ < 4) return false;
        response.writeHead(404).end();
        return true;
      };
      const folder = place();
      await expect(get({ ...wanted(), archive: linked() }, folder)).rejects.toThrowError(code('PACS_NOT_FOUND'));
      orthanc.meddle = () => false;
      expect(await get({ ...wanted(), archive: linked() }, folder)).toMatchObject({ retrieved: 2, present: 4 });
    });
  });

  it('gives a study to predict, and takes its masks and reports', async () => {
    const model = unetSegmenter(
      { inChannels: 1, outChannels: 1, filters: 2 },
      { preprocessing: preprocessingSchema.parse({ spacing: 8, size: [32, 32] }) },
    );
    model.initialise(1);
    saveSegmenter(at('model.safetensors'), model);
    const from = `${orthanc.address}/studies/${study}/series/${series}`;
    const args = ['--format', 'dicom-seg', '--report', '--empty', '--out', at('masks'), '--device', 'cpu'];
    // Not in this process, whose proxy has to answer meanwhile.
    const graft = async (...words: string[]) => {
      const program = [join(project, 'dist', 'cli', 'main.js'), ...words, '--ca', orthanc.ca, '--json'];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, program, {
        env: { ...process.env, ...env() },
      });
      expect(stdout + stderr).not.toMatch(/a pass:word/);
      return { text: stdout + stderr, result: JSON.parse(stdout.trim().split('\n').at(-1)!) };
    };
    const predict = ['predict', at('model.safetensors'), '--from', from, '--to', orthanc.address, ...args];
    const { text, result } = await graft(...predict);
    expect(text).not.toMatch(/PLANTED/);
    expect([result.masks.length, result.sent]).toEqual([1, 2]);
    const [found] = (await graft('pacs', 'find', orthanc.address, '--study', study)).result.studies;
    expect([...found.modalities].sort()).toEqual(['CT', 'SEG', 'SR']);
    // Identifiers of the archive are in its own objects alone.
    for (const name of ['graft-audit.jsonl', 'volumes.csv', join('retrieved', 'retrieved.jsonl')])
      expect(readFileSync(at('masks', name), 'utf8')).not.toContain('498.4711');
    // Masks of what a scanner sends get there, too.
    const choice = ['--model', at('model.safetensors'), '--out', at('received'), '--empty', '--quiet-seconds', '0.2'];
    const receiver = new Receiver([...choice, '--send-to', orthanc.address, '--ca', orthanc.ca], env());
    try {
      await receiver.until('listening');
      const other = writeSeries(at('other'), {
        slices: 4,
        rows: 24,
        columns: 24,
        pixelSpacing: [8, 8],
        uid: `${series}.9`,
      });
      await runToEnd(sendFiles(destinationAt(`GRAFT@127.0.0.1:${receiver.port}`, { aet: 'CT1' }), other), ignore);
      expect(await receiver.until('sent')).toMatchObject({ files: 1, to: new URL(orthanc.address).host });
      expect(receiver.text).not.toMatch(/a pass:word|PLANTED/);
    } finally {
      await receiver.end('SIGKILL');
    }
    // What was sent already is sent again without harm.
    expect((await graft('pacs', 'send', orthanc.address, at('masks', 'retrieved'))).result.sent).toBe(6);
  });
});
