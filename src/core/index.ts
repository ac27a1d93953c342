/** What every layer may use: errors, files that are whole or absent, random numbers by name. */
export * from './errors.js';
export * from './files.js';
export * from './random.js';
