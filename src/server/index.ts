/** Servers: a model for 3D Slicer and OHIF, over MONAI Label's interface, and pages for browsers on this machine. */
export { serverErrors } from './errors.js';
export { automatic, namedAdapters } from './names.js';
export { pageBeside } from './page/beside.js';
export { servePage } from './page/serve.js';
export { pageSource } from './page/source.js';
export { type ServeOptions, serveModel } from './serve.js';
