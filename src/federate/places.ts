/** Where the parts of a federation lie in its folder. */
import { join } from 'node:path';

export const coordinatorFolder = (folder: string): string => join(folder, 'coordinator');
/** The coordinator's blobs, under their hashes. */
export const blobFolder = (folder: string): string => join(coordinatorFolder(folder), 'blobs');
/** The ledger of a federation, for `readLedger`. */
export const ledgerFile = (folder: string): string => join(coordinatorFolder(folder), 'ledger.jsonl');
/** The folder of a site, for `personalOf`. */
export const siteFolder = (folder: string, site: string): string => join(folder, 'sites', site);
