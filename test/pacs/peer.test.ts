/** Peers that speak DICOM's own protocol, as `graft pacs echo` and `graft pacs send` meet them. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { graft } from '../cli/graft.js';
import { decode, temporaryFolder, writeSeries } from '../dicom/fixtures.js';
import { freePort } from '../federate/nats/server.js';
import { describeWithDcmtk, StoreScp, tlsArguments } from '../receiver/dcmtk.js';
import { type CertificateFiles, past, testAuthority } from './certificates.js';

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
/** What the last line says. */
const errorOf = (args: string[]) =>
  JSON.parse(
    graft([...args, '--json'])
      .stdout.trim()
      .split('\n')
      .at(-1)!,
  ).error;

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

describeWithDcmtk('a peer over TLS', () => {
  let hospital: Awaited<ReturnType<typeof testAuthority>>;
  let foreign: typeof hospital;
  let own: CertificateFiles;
  beforeAll(async () => {
    [hospital, foreign] = [await testAuthority(root, 'hospital'), await testAuthority(root, 'foreign')];
    own = await hospital.issue('graft');
  });
  /** An archive that shows a certificate. */
  const secure = async (name: string, files: CertificateFiles, ...args: string[]) =>
    archive(name, ...tlsArguments(files, hospital.ca), ...args);
  const named = ({ certificate, key }: CertificateFiles) => ['--certificate', certificate, '--key', key];

  it('answers and takes files where both sides show certificates of the hospital', async () => {
    const scp = await secure('mutual', await hospital.issue('pacs'), '--require-peer-cert');
    const peer = `tls://PACS@127.0.0.1:${scp.port}`;
    const options = ['--ca', hospital.ca, ...named(own)];
    expect(graft(['pacs', 'echo', peer, ...options, '--json']).json()).toEqual({ peer, answers: true });
    writeSeries(join(root, 'secure'), { slices: 2, rows: 300, columns: 300 });
    expect(graft(['pacs', 'send', peer, join(root, 'secure'), ...options, '--json']).stdout).toContain('"sent":2');
    expect(scp.files).toHaveLength(2);

    // What the archive does not believe is told of as ours, and nothing was sent.
    expect(errorOf(['pacs', 'echo', peer, '--ca', hospital.ca])).toMatchObject({
      code: 'PACS_OWN_CERTIFICATE',
      message: expect.stringContaining('certificate required'),
    });
    const stranger = named(await foreign.issue('graft'));
    expect(errorOf(['pacs', 'send', peer, join(root, 'secure'), '--ca', hospital.ca, ...stranger])).toMatchObject({
      code: 'PACS_OWN_CERTIFICATE',
      message: expect.stringContaining('unknown ca'),
    });
    expect(scp.files).toHaveLength(2);
    // Without TLS, the archive hangs up.
    expect(errorOf(['pacs', 'echo', `PACS@127.0.0.1:${scp.port}`]).code).toBe('PACS_UNREACHABLE');
  });

  it.each([
    ['that has expired', () => hospital.issue('expired', '127.0.0.1', past), 'expired'],
    ['of another authority', () => foreign.issue('pacs'), 'unable to verify'],
    ['for another host', () => hospital.issue('other', 'other.example.org'), 'altnames'],
  ])('with a certificate %s is not spoken to', async (what, issued, reason) => {
    const scp = await secure(what, await issued(), '--ignore-peer-cert');
    const peer = `tls://PACS@127.0.0.1:${scp.port}`;
    expect(errorOf(['pacs', 'echo', peer, '--ca', hospital.ca])).toMatchObject({
      code: 'PACS_CERTIFICATE',
      message: expect.stringContaining(reason),
    });
  });

  it('that knows older ciphers alone, or no TLS, is not spoken to', async () => {
    const retired = await secure('retired', await hospital.issue('retired'), '--profile-aes');
    const options = ['--ca', hospital.ca, ...named(own)];
    expect(errorOf(['pacs', 'echo', `tls://PACS@127.0.0.1:${retired.port}`, ...options]).code).toBe('PACS_TLS');
    const plain = await archive('plain');
    expect(errorOf(['pacs', 'echo', `tls://PACS@127.0.0.1:${plain.port}`, ...options]).code).toBe('PACS_UNREACHABLE');
  });

  it('is not begun with where the files for it are wrong', async () => {
    const peer = 'tls://PACS@127.0.0.1:1';
    const wrong = (...args: readonly string[]) => errorOf(['pacs', 'echo', peer, ...args]);
    const other = await hospital.issue('second');
    writeFileSync(join(root, 'none.pem'), 'no certificate', { mode: 0o600 });
    const weak = { certificate: join(root, 'weak.pem'), key: join(root, 'weak.key') };
    const made = ['-keyout', weak.key, '-out', weak.certificate, '-subj', '/CN=weak', '-nodes'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:1024', ...made], { stdio: 'ignore' });
    chmodSync(weak.key, 0o600);
    for (const [args, problem] of [
      [['--ca', join(root, 'none.pem')], /none\.pem: expected a certificate in PEM/],
      [['--ca', join(root, 'absent.pem')], /absent\.pem: .*no such file/],
      [named({ ...own, key: other.key }), /second\.key: expected the key of the certificate in .*graft\.pem/],
      [named({ ...own, key: join(root, 'none.pem') }), /expected a private key in PEM/],
      [['--certificate', own.certificate], /expected the key/],
      [['--key', own.key], /expected its certificate/],
      [named(weak), /weak\.pem: expected a certificate as safe as RSA of 2048 bits .*key too small/],
      [named(await hospital.issue('late', '127.0.0.1', past)), /expected a certificate that is valid now/],
    ] as const) {
      expect(wrong(...args)).toMatchObject({ code: 'PACS_TLS_FILE', message: expect.stringMatching(problem) });
    }
    chmodSync(other.key, 0o640);
    expect(wrong(...named(other)).code).toBe('SECRET_EXPOSED');
    // And nothing that was meant for TLS goes out without it.
    expect(errorOf(['pacs', 'echo', 'PACS@127.0.0.1:1', '--ca', hospital.ca]).code).toBe('OPTION_INVALID');
  });
});
