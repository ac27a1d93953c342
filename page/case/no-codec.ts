/** In place of NiiVue's decompressors for Zarr, a format that it is never given here. */
export default undefined;
