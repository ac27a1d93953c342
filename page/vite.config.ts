/** The page's program as plain files: `app.js` and `app.css`, and what is loaded only when it is needed. */
import { defineConfig } from 'vite';

/** Vite's module in place of one of Node's. */
const absent = '__vite-browser-external';

export default defineConfig({
  root: import.meta.dirname,
  logLevel: 'warn',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [
    {
      name: 'no-node',
      generateBundle(_, files) {
        // What a file that stays out would read.
        delete files['package.json'];
        for (const file of Object.values(files))
          for (const [id, { code }] of file.type === 'chunk' ? Object.entries(file.modules) : [])
            if (code && id.includes(absent)) this.error('the page uses what no browser has');
      },
    },
  ],
  // NiiVue's decompressors for a format (Zarr) that graft never gives it.
  resolve: { alias: [{ find: /^numcodecs\/.*/, replacement: `${import.meta.dirname}/case/no-codec.ts` }] },
  build: {
    chunkSizeWarningLimit: 1000,
    target: 'es2022',
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    rolldownOptions: {
      input: `${import.meta.dirname}/main.tsx`,
      // Of graft's own folders the page uses functions alone; their other files stay out, with all that they import.
      // Of these many use what no browser has.
      onLog(level, log, handle) {
        if (!log.message.includes('externalized for browser compatibility')) handle(level, log);
      },
      treeshake: { moduleSideEffects: (id: string) => id.endsWith('.css') || id.startsWith(import.meta.dirname) },
      output: {
        entryFileNames: 'app.js',
        chunkFileNames: '[name].js',
        assetFileNames: (asset) => (asset.names[0]?.endsWith('.css') ? 'app.css' : '[name][extname]'),
      },
    },
  },
});
