/** Peers that speak DICOM's own protocol, as `graft pacs echo` and `graft pacs send` meet them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { graft } from '../cli/graft.js';
import { decode, temporaryFolder, writeSeries } from '../dicom/fixtures.js';
import { freePort } from '../federate/nats/server.js';
import { describeWithDcmtk, StoreScp } from '../receiver/dcmtk.js';

const root = temporaryFolder();
const scps: StoreScp[] = [];
afterEach(async () => {
  for (const scp of scps.splice(0)) await scp.stop();
});
const archive = async (name: string, ...args: string[]) => {
  const scp = await (await StoreScp.at(join(root, name))).start(...args);
  scps.push(scp);
  return scp;
};
const errorOf = (args: string[]) => graft([...args, '--json']).json().error;

describeWithDcmtk('a peer', () => {
  it('answers, and takes files of several kinds and encodings as they are', async () => {
    const scp = await archive('scp', '--accept-all');
    const peer = `PACS@127.0.0.1:${scp.port}`;
    expect(graft(['pacs', 'echo', peer, '--json']).json()).toEqual({ peer, answers: true });
    const source = join(root, 'source');
    const files = [
      ...writeSeries(source, { slices: 2, rows: 300, columns: 300 }),
      ...writeSeries(join(source, 'mr'), {
        ...{ slices: 1, uid: '1.2.3.4' },
        change: () => ({ SOPClassUID: '1.2.840.10008.5.1.4.1.1.4', Modality: 'MR' }),
      }),
    ];
    expect(graft(['pacs', 'send', peer, source, '--json']).stdout).toContain('"sent":3');
    const pixels = (file: string) =>
      Buffer.from((decode(readFileSync(file)).PixelData as ArrayBuffer[])[0]).toString('hex');
    expect(scp.files.map(pixels).sort()).toEqual(files.map(pixels).sort());
  });

  it('that is not there, refuses or is none, is told of', async () => {
    expect(errorOf(['pacs', 'echo', `PACS@127.0.0.1:${await freePort()}`]).code).toBe('PACS_UNREACHABLE');
    const scp = await archive('refusing', '--refuse');
    expect(errorOf(['pacs', 'echo', `PACS@127.0.0.1:${scp.port}`]).code).toBe('PACS_DENIED');
    expect(errorOf(['pacs', 'echo', 'https://pacs.example.org']).code).toBe('PACS_ADDRESS');
    expect(errorOf(['pacs', 'echo', 'A-TITLE-THAT-IS-TOO-LONG@127.0.0.1:104']).code).toBe('PACS_ADDRESS');
  });
});
