/** Studies taken from scanners, segmented, and sent back. */
export { receiverErrors } from './errors.js';
export { type ReceiverOptions, receiveStudies } from './receive.js';
export { type Rule, readRules } from './rules.js';
