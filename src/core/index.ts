/** What every layer may use: errors, files that are whole or absent, random numbers by name, suggestions. */
export * from './differences.js';
export * from './digest.js';
export * from './errors.js';
export * from './events.js';
export * from './files.js';
export * from './lock.js';
export * from './log.js';
export * from './names.js';
export * from './nearest.js';
export * from './pause.js';
export * from './process.js';
export type { ProgressEvent } from './progress.js';
export * from './random.js';
export * from './regular-files.js';
export * from './room.js';
export * from './sealed.js';
export { removeAllLeftovers, temporaryBeside } from './temporary.js';
export * from './version.js';
