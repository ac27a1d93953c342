/**
 * What a browser on this machine is offered of a page: the page, its program, its data, and a word when these change.
 * Nothing can be changed through it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { streamSSE } from 'hono/streaming';
import { GraftError } from '../../core/index.js';
import { pageJson, programFolder, renderPageFile } from '../../report/index.js';
import type { PageSource } from '../../studies/index.js';
import { serverError } from '../errors.js';
import { assertCaller } from '../http.js';

/** How often the source is asked whether it has changed, and how often a silent connection is kept alive, in ms. */
export const lookEvery = 1000;
const breathe = 15_000;

const statuses: Record<string, 403 | 404> = { HOST_REFUSED: 403, ORIGIN_REFUSED: 403, CASE_UNKNOWN: 404 };

/** @param signal ends what still hears of changes */
export function pageApp(source: PageSource, signal: AbortSignal): Hono {
  const app = new Hono();
  app.use(secureHeaders({ strictTransportSecurity: false }));
  app.use(async (c, next) => {
    const host = c.req.header('host');
    assertCaller(host, c.req.header('origin'), { host: 'localhost', origins: [`http://${host}`] });
    // Pages of others can ask without an origin, as for a picture; browsers tell that they do.
    const site = c.req.header('sec-fetch-site') ?? 'none';
    if (!['same-origin', 'none'].includes(site))
      throw serverError('ORIGIN_REFUSED', { origin: `another site (${site})` });
    c.header('cache-control', 'no-store');
    await next();
  });
  app.onError((error, c) => {
    const known = error instanceof GraftError;
    if (!known) process.stderr.write(`${error.stack}\n`);
    const text = known ? `${error.message}\n${error.hint}\n` : 'This is a defect in graft; its log says more.\n';
    return c.text(text, known ? (statuses[error.code] ?? 500) : 500);
  });

  app.get('/', (c) => {
    const { text, policy } = renderPageFile(source.read(), { live: true });
    c.header('content-security-policy', `${policy}; frame-ancestors 'none'`);
    return c.html(text);
  });
  app.get('/data.json', (c) => c.body(pageJson(source.read()), 200, { 'content-type': 'application/json' }));
  app.get('/case.json', async (c) => {
    if (!source.slices) return c.text('What this page was made of has no images of cases.', 404);
    const { site = '', name = '', at, whole } = c.req.query();
    const given = at === undefined ? undefined : at.split(',').map(Number);
    if (given && (given.length !== 3 || !given.every(Number.isInteger))) return c.text(`at is ${at}, not z,y,x`, 400);
    const asked = { site, name, at: given as [number, number, number] | undefined, whole: whole !== undefined };
    return c.body(pageJson(await source.slices(asked)), 200, { 'content-type': 'application/json' });
  });
  app.get('/case/:part{\\w+\\.nii}', async (c) => {
    const { site = '', name = '' } = c.req.query();
    const volume = await source.volume?.({ site, name, part: c.req.param('part').replace('.nii', '') });
    return volume ? c.body(new Uint8Array(volume), 200, { 'content-type': 'application/octet-stream' }) : c.notFound();
  });
  app.get('/:program{[\\w-]+\\.js}', (c) => {
    const file = new URL(c.req.param('program'), programFolder);
    if (!existsSync(file)) return c.notFound();
    return c.body(readFileSync(file), 200, { 'content-type': 'text/javascript' });
  });
  app.get('/events', (c) =>
    streamSSE(c, async (stream) => {
      let [seen, silent] = ['', 0];
      let open = true;
      stream.onAbort(() => {
        open = false;
      });
      while (open && !signal.aborted) {
        const mark = source.mark();
        // The first time too: the page may be from before.
        if (mark !== seen) await stream.writeSSE({ event: 'changed', data: '' });
        else if (silent >= breathe) await stream.write(': still here\n\n');
        silent = mark !== seen || silent >= breathe ? 0 : silent + lookEvery;
        seen = mark;
        await stream.sleep(lookEvery);
      }
    }),
  );
  return app;
}
