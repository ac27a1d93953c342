/** Modules, layers, initial values, optimisers, and what training loops share. */
export * from './average.js';
export * from './base.js';
export * from './checkpoint.js';
export * from './foreign.js';
export * from './init.js';
export * from './layers.js';
export * from './linear.js';
export * from './loop.js';
export * from './metadata.js';
export * from './module.js';
export * from './names.js';
export * from './optim.js';
export * from './state.js';
export * from './state-file.js';
export * from './training.js';
