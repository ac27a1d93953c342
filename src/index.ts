/** graft as a library: everything public, by area. */
export * from './adapt/index.js';
export * from './core/index.js';
export * from './data/index.js';
export * from './federate/index.js';
export * from './finetune/index.js';
export * from './formats/index.js';
export * from './metrics/index.js';
export * from './models/index.js';
export * from './nn/index.js';
export * from './peft/index.js';
export * from './runs/index.js';
export * from './torch/index.js';
