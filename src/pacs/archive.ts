/** Which archive, and by which right: addresses and credentials. Passwords are never part of a command line. */
import { readSecret } from '../core/index.js';
import { pacsError } from './errors.js';
import { type TlsFiles, type TlsMaterial, tlsMaterial } from './tls.js';

export interface ArchiveOptions extends TlsFiles {
  /** A file that its owner alone may read: `USER:PASSWORD` or `Bearer TOKEN`. */
  credentials?: string | undefined;
  /** Whether http is allowed to other machines than this one. */
  plainHttp?: boolean;
}

/** An archive with a DICOMweb service. */
export interface Archive {
  /** Of the service, without a slash at the end. */
  url: URL;
  authorization: string | undefined;
  tls: TlsMaterial;
}

/** A study, or a series of it, in an archive. */
export interface ArchivedStudy {
  archive: Archive;
  study: string;
  series: string | undefined;
}

/** @throws GraftError PACS_ADDRESS, PACS_PLAIN, PACS_CREDENTIALS, PACS_TLS_FILE, SECRET_EXPOSED */
export function archiveAt(address: string, { credentials, plainHttp = false, ...files }: ArchiveOptions = {}): Archive {
  const text = address.replace(/^dicomweb:/, 'https:');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search || url.hash)
    throw pacsError('PACS_ADDRESS', {
      address: shown(address),
      expected: 'an address such as https://pacs.example.org/dicom-web',
    });
  if (url.username || url.password)
    throw pacsError('PACS_CREDENTIALS', { place: url.host, expected: 'an address without user and password' });
  if (url.protocol === 'http:' && !plainHttp && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname))
    throw pacsError('PACS_PLAIN', { host: url.host });
  url.pathname = url.pathname.replace(/\/+$/, '');
  return { url, authorization: authorizationOf(credentials), tls: tlsMaterial(files) };
}

/** @param address `ARCHIVE/studies/UID` or `ARCHIVE/studies/UID/series/UID` @throws as `archiveAt` */
export function studyAt(address: string, options: ArchiveOptions = {}): ArchivedStudy {
  const [, archive, study, series] =
    /^(.+?)\/studies\/([\d.]{1,64})(?:\/series\/([\d.]{1,64}))?\/?$/.exec(address) ?? [];
  if (!archive)
    throw pacsError('PACS_ADDRESS', {
      address: shown(address),
      expected: 'ARCHIVE/studies/UID, or that with /series/UID',
    });
  return { archive: archiveAt(archive, options), study, series };
}

/** An address as messages show it. */
const shown = (address: string) => address.replace(/\/\/[^/@]*@/, '//…@');

/** The file's, or the environment's. */
function authorizationOf(file: string | undefined): string | undefined {
  const { GRAFT_PACS_TOKEN: token, GRAFT_PACS_USER: user, GRAFT_PACS_PASSWORD: password } = process.env;
  if (file !== undefined) {
    const line = readSecret(file)?.toString('utf8').trim();
    if (line === undefined) throw pacsError('PACS_CREDENTIALS', { place: file, expected: 'a file with credentials' });
    return headerOf(line, file);
  }
  if (token) return headerOf(`Bearer ${token}`, 'GRAFT_PACS_TOKEN');
  if (!user && !password) return undefined;
  if (!user || !password)
    throw pacsError('PACS_CREDENTIALS', {
      place: 'environment',
      expected: 'both GRAFT_PACS_USER and GRAFT_PACS_PASSWORD',
    });
  return headerOf(`${user}:${password}`, 'GRAFT_PACS_USER');
}

function headerOf(line: string, place: string): string {
  if (/^Bearer [\w.~+/=-]+$/.test(line)) return line;
  if (/^[^:\s]+:[^\n\r]+$/.test(line)) return `Basic ${Buffer.from(line, 'utf8').toString('base64')}`;
  throw pacsError('PACS_CREDENTIALS', { place, expected: 'one line, USER:PASSWORD or Bearer TOKEN' });
}
