/** A model for 3D Slicer and OHIF, over MONAI Label's interface. */
export { serverErrors } from './errors.js';
export { namedAdapters } from './names.js';
export { type ServeOptions, serveModel } from './serve.js';
