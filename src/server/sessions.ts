/** Images that a viewer uploads for a while: they are removed after their expiry, with the server, or by the next one. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findImages, type ImageSource } from '../jobs/index.js';
import { serverError } from './errors.js';
import type { Form } from './form.js';

/** At a time, and the longest since its last use in seconds. */
const most = 8;
const longest = 3600;

interface Session {
  id: string;
  folder: string;
  image: ImageSource;
  expiry: number;
  created: number;
  used: number;
  timer: NodeJS.Timeout;
}

const seconds = () => Math.floor(Date.now() / 1000);

export class Sessions implements Disposable {
  readonly #folder: string;
  readonly #sessions = new Map<string, Session>();

  /** @param folder of theirs alone */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /**
   * Takes over the files of a form: a NIfTI file, or the files of a DICOM series.
   *
   * @param expiry in seconds; 0: the longest
   * @throws GraftError SESSIONS_FULL, REQUEST_INVALID, IMAGES_NONE
   */
  add(form: Form, expiry: number): Session {
    if (this.#sessions.size >= most) throw serverError('SESSIONS_FULL', { count: most });
    if (form.files.size === 0) throw serverError('REQUEST_INVALID', { reason: 'it holds no file' });
    const id = randomUUID();
    const folder = join(this.#folder, id);
    renameSync(form.folder, folder);
    try {
      const { sources } = findImages([folder], 'nifti');
      if (sources.length !== 1)
        throw serverError('REQUEST_INVALID', { reason: `its files are ${sources.length} images, not one` });
      const lasts = expiry > 0 ? Math.min(expiry, longest) : longest;
      const timer = setTimeout(() => this.remove(id), lasts * 1000);
      timer.unref();
      const session = {
        id,
        folder,
        image: { ...sources[0], name: `session ${id}` },
        expiry: lasts,
        created: seconds(),
        used: seconds(),
        timer,
      };
      this.#sessions.set(id, session);
      return session;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Its time begins anew. @throws GraftError SESSION_UNKNOWN */
  find(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw serverError('SESSION_UNKNOWN', { id });
    session.used = seconds();
    session.timer.refresh();
    return session;
  }

  remove(id: string): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    this.#sessions.delete(id);
    clearTimeout(session.timer);
    rmSync(session.folder, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    for (const id of this.#sessions.keys()) this.remove(id);
  }
}

/** As viewers read it; paths stay here. */
export const sessionInfo = ({ id, expiry, created, used }: Session) => ({
  ...{ name: id, meta: {}, create_ts: created, last_access_ts: used, expiry },
});
