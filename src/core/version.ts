/** graft's version, which files and reports name. */
import { readFileSync } from 'node:fs';

/** graft's own, from its package. */
export const { version }: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);
