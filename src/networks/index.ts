/** Networks that segment: what all of them have in common, and the families that there are. */
export * from './family.js';
export * from './registry.js';
