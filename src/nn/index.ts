/** Modules, layers, initial values and optimisers. */
export * from './init.js';
export * from './layers.js';
export * from './linear.js';
export * from './module.js';
export * from './optim.js';
export * from './state-file.js';
