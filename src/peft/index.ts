/** Parameter-efficient fine-tuning: small trained parts beside a frozen base. */
export * from './adabn.js';
export { type Attached, peftErrors } from './attached.js';
export * from './convlora/config.js';
export * from './convlora/inject.js';
