/**
 * The REST interface of MONAI Label (https://docs.monai.io/projects/label), as far as 3D Slicer's and OHIF's extensions use
 * it: what is served, segmentation, sessions, the images and labels of a site, which image to label next.
 *
 * Left out: training, scoring and batches, which have commands; accounts; interactive models.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { basename } from 'node:path';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { GraftError } from '../core/index.js';
import type { ImageSource } from '../jobs/index.js';
import { type Datastore, finalTag } from './datastore.js';
import { described, fileName, infoOf, objectsOf, pairsOf, paramsOf, statsOf, strategies } from './describe.js';
import { serverError, statusOf } from './errors.js';
import { fileOf, parametersOf, parsed, readForm } from './form.js';
import { assertCaller, bytesAnswer, type Callers, fileAnswer, formAnswer, goneOf } from './http.js';
import type { MaskFile, ServedModel } from './message.js';
import type { ModelThread } from './model-thread.js';
import { type Sessions, sessionInfo } from './sessions.js';
import type { Uncertainty } from './uncertainty.js';

/** Something that was done, for the log. */
export interface Act {
  act: 'infer' | 'session' | 'upload' | 'label' | 'sample' | 'measure' | 'refused';
  image?: string;
  model?: string;
  text: string;
  [more: string]: unknown;
}

export interface Desk {
  /** By the names that viewers see; the first says which images are uncertain. */
  models: Readonly<Record<string, ServedModel>>;
  thread: ModelThread;
  store: Datastore;
  sessions: Sessions;
  uncertainty: Uncertainty;
  /** Folder for what requests bring. */
  work: string;
  callers: Callers;
  /** Aborted when the server is to end. */
  signal: AbortSignal;
  acted(act: Act): void;
  /** Notes a stored label in the audit file. */
  stored(image: ImageSource, label: string): void;
  /** The last acts. */
  log: readonly string[];
}

type Ask = Context<{ Bindings: HttpBindings }>;

export function labellingApp(desk: Desk): Hono<{ Bindings: HttpBindings }> {
  const { models, thread, store, sessions, uncertainty, callers, acted } = desk;
  const [first] = Object.keys(models);
  const app = new Hono<{ Bindings: HttpBindings }>({ strict: false });

  app.use(async (c, next) => {
    assertCaller(c.req.header('host'), c.req.header('origin'), callers);
    await next();
  });
  if (callers.origins.length > 0)
    app.use(cors({ origin: [...callers.origins], allowMethods: ['GET', 'POST', 'PUT', 'DELETE'] }));

  app.onError((error, c) => {
    if (!(error instanceof GraftError)) {
      if (error.name === 'AbortError') return c.json({ detail: 'The request was cancelled.' }, 499 as never);
      process.stderr.write(`${error.stack}\n`);
      return c.json({ detail: 'This is a defect in graft; its log says more.', code: 'INTERNAL' }, 500);
    }
    const { code, message, hint } = error;
    const detail = store.shown(`${message} ${hint}`);
    // Viewers ask again and again whether something is there.
    if (c.req.method !== 'GET') acted({ act: 'refused', code, text: `refused ${c.req.method} ${c.req.path}: ${code}` });
    return c.json({ detail, code }, statusOf(error) as ContentfulStatusCode);
  });
  app.notFound((c) => {
    throw serverError('NOT_OFFERED', { what: `${c.req.method} ${c.req.path}` });
  });

  app.get('/', (c) => c.text('graft serves MONAI Label’s interface to 3D Slicer and OHIF; /info/ says what.\n'));
  app.get('/logs', (c) => c.text(`${desk.log.join('\n')}\n`));
  app.get('/auth', (c) => c.json({ enabled: false }));
  app.get('/info', (c) => c.json(infoOf(models, store)));

  app.post('/infer/:model', async (c) => {
    const name = c.req.param('model');
    if (!Object.hasOwn(models, name))
      throw serverError('SERVED_MODEL_UNKNOWN', { name, names: Object.keys(models).join(', ') });
    const model = models[name];
    const [session, output] = [c.req.query('session_id'), c.req.query('output') ?? 'all'];
    if (!['all', 'image', 'json'].includes(output))
      throw serverError('REQUEST_INVALID', { reason: `output is ${output}, not all, image or json` });
    using request = await parametersOf(c.env.incoming, desk.work);
    const sent = request.form?.files.get('file')?.[0];
    const image = session
      ? sessions.find(session).image
      : sent
        ? { name: 'upload', path: sent, series: undefined }
        : store.find(c.req.query('image') ?? '');
    const { file, packed } = maskFileOf(request.params);
    const started = performance.now();
    const found = await thread.ask({ kind: 'segment', name, image, file, packed }, signalOf(c, desk));
    const seconds = Number(((performance.now() - started) / 1000).toFixed(3));
    if (name === first && !session && !sent) uncertainty.note(image, found.entropy);
    const { volumesMl, warnings, chosen } = found;
    const ml = Object.values(volumesMl).reduce((a, b) => a + b, 0);
    acted({
      ...{ act: 'infer', image: image.name, model: name, seconds, volumesMl, warnings },
      ...(chosen && { chosen }),
      text: [
        `${image.name} with ${name}${chosen ? ` (${chosen.adapter ?? 'no adapter'})` : ''}: ${ml.toFixed(1)} ml in ${seconds} s`,
        ...warnings,
      ].join('; '),
    });
    const params = paramsOf(model, found, { model: name, seconds });
    if (output === 'json') return c.json(params);
    const answer = { name: file.replace('label', `label-${randomBytes(4).toString('hex')}`), bytes: found.bytes };
    return output === 'image' ? bytesAnswer(answer.name, answer.bytes) : formAnswer(params, answer);
  });

  app.on(['PUT', 'POST'], '/session', async (c) => {
    using form = await readForm(c.env.incoming, desk.work);
    const session = sessions.add(form, Number(c.req.query('expiry') ?? 0) || 0);
    acted({ act: 'session', session: session.id, text: `session ${session.id}` });
    return c.json({ session_id: session.id, session_info: sessionInfo(session) });
  });
  app.get('/session/:id', (c) => c.json(sessionInfo(sessions.find(c.req.param('id')))));
  app.delete('/session/:id', (c) => {
    const session = sessions.find(c.req.param('id'));
    sessions.remove(session.id);
    return c.json(sessionInfo(session));
  });

  app.get('/datastore', (c) => {
    const output = c.req.query('output');
    return c.json(output === 'all' ? objectsOf(store) : output === 'train' ? pairsOf(store) : statsOf(store));
  });
  app.get('/datastore/image', async (c) => {
    const image = store.find(c.req.query('image') ?? '');
    if (image.path !== undefined) return fileAnswer(image.path);
    const bytes = await thread.ask({ kind: 'image', image }, signalOf(c, desk));
    return bytesAnswer(fileName(image), bytes!);
  });
  for (const place of ['/datastore', '/datastore/image'])
    app.put(place, async (c) => {
      using form = await readForm(c.env.incoming, desk.work);
      const file = fileOf(form, 'file');
      await thread.ask({ kind: 'image', image: { name: 'upload', path: file, series: undefined } }, signalOf(c, desk));
      const image = store.add(c.req.query('image') ?? '', file);
      acted({ act: 'upload', image, text: `new image ${image}` });
      return c.json({ image });
    });
  app.get('/datastore/label', (c) => {
    const image = store.find(c.req.query('label') ?? c.req.query('image') ?? '');
    return fileAnswer(store.labelOf(image, c.req.query('tag') || finalTag));
  });
  app.put('/datastore/label', async (c) => {
    const image = store.find(c.req.query('image') ?? '');
    const tag = c.req.query('tag') || finalTag;
    if (tag !== finalTag)
      throw serverError('REQUEST_INVALID', { reason: `labels have the tag ${finalTag}, not ${tag}` });
    using form = await readForm(c.env.incoming, desk.work);
    const file = fileOf(form, 'label');
    const params = parsed(form.fields.get('params') ?? '');
    const { classes } =
      models[typeof params.model === 'string' && Object.hasOwn(models, params.model) ? params.model : first];
    const { place, earlier } = store.placesOf(image);
    const names = namesIn(params.label_info);
    const { changed, kept } = await thread.ask(
      { kind: 'label', image, file, place, earlier, names, classes },
      signalOf(c, desk),
    );
    if (changed) desk.stored(image, place);
    const before = kept === undefined ? '' : `; the one before is ${store.shown(kept)}`;
    acted({
      ...{ act: 'label', image: image.name, label: basename(place), changed, kept: kept && store.shown(kept) },
      text: changed ? `label of ${image.name}${before}` : `label of ${image.name}: as it was`,
    });
    return c.json({ image: image.name, label: image.name });
  });

  app.post('/activelearning/:strategy', async (c) => {
    const strategy = c.req.param('strategy');
    if (!Object.hasOwn(strategies, strategy))
      throw serverError('STRATEGY_UNKNOWN', { name: strategy, names: Object.keys(strategies).join(', ') });
    const images = store.unlabelled();
    const next =
      strategy === 'uncertainty'
        ? await leastSure(images, signalOf(c, desk))
        : images[strategy === 'random' && images.length > 0 ? randomInt(images.length) : 0];
    if (!next) return c.json({});
    acted({ act: 'sample', image: next.name, strategy, text: `next image (${strategy}): ${next.name}` });
    return c.json({ id: next.name, ...described(next, store) });
  });

  /** What was looked at so far decides; where nothing was, one image is looked at now. The others follow. */
  async function leastSure(images: readonly ImageSource[], signal: AbortSignal): Promise<ImageSource | undefined> {
    const measured = { kind: 'segment', name: first, file: 'label.nii', packed: false } as const;
    const failed = (image: ImageSource, error: unknown) => {
      if (desk.signal.aborted) return;
      const { code = 'INTERNAL' } = error as Partial<GraftError>;
      acted({ act: 'measure', image: image.name, code, text: `${image.name} cannot be measured: ${code}` });
    };
    let least = uncertainty.least(images);
    for (const image of least ? [] : images) {
      try {
        uncertainty.note(image, (await thread.ask({ ...measured, image }, signal)).entropy);
        least = image;
        break;
      } catch (error) {
        if (!(error instanceof GraftError)) throw error;
        failed(image, error);
      }
    }
    void uncertainty.look(
      () => (desk.signal.aborted ? [] : store.unlabelled()),
      async (image) => (await thread.askInSpareTime({ ...measured, image }))?.entropy,
      failed,
    );
    return least;
  }

  for (const [place, what] of [
    ['/train', 'Training'],
    ['/scoring', 'Scoring'],
    ['/batch', 'Segmenting many images'],
  ])
    app.all(`${place}/*`, () => {
      throw serverError('NOT_OFFERED', { what });
    });
  return app;
}

const signalOf = (c: Ask, { signal }: Desk) => AbortSignal.any([goneOf(c.env.outgoing), signal]);

function maskFileOf({ result_extension: ending = '.nii.gz', result_compress: packed = true }: Record<string, unknown>) {
  const file = `label${ending}`;
  const known: readonly string[] = ['label.nii.gz', 'label.nii', 'label.nrrd'] satisfies MaskFile[];
  if (!known.includes(file))
    throw serverError('REQUEST_INVALID', { reason: `result_extension is ${ending}, not .nii.gz, .nii or .nrrd` });
  return { file: file as MaskFile, packed: packed !== false };
}

/** Which value of a label is which class, as Slicer says it. */
function namesIn(told: unknown): Record<number, string> | undefined {
  if (!Array.isArray(told) || told.length === 0) return undefined;
  const entries = told.flatMap((one: { idx?: unknown; name?: unknown } | null) =>
    Number.isInteger(one?.idx) && typeof one?.name === 'string' ? [[one.idx, one.name] as const] : [],
  );
  return Object.fromEntries(entries);
}
