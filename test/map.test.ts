/** `deploy/map`: graft as a MONAI Application Package, whose manifests are what its specification asks for, and which segments. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { preprocessingSchema } from '../src/data/index.js';
import { saveSegmenter } from '../src/segmenter/index.js';
import { root } from './child.js';
import { main } from './cli/graft.js';
import { decode, temporaryFolder, writeSeries } from './dicom/fixtures.js';
import { unetSegmenter } from './segmenters.js';

const folder = join(root, 'deploy', 'map');
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

// The tables of fields in MONAI Deploy's guidelines/monai-application-package.md; it publishes no schema of its own.
const semantic = z.string().regex(/^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/);
const absolute = z.string().startsWith('/');
const named = z
  .string()
  .max(128)
  .regex(/^[^\s\p{C}]+$/u);
const size = z.string().regex(/^\d+(\.\d)?(Mi|Gi)$/);
const amount = z.number().min(0).multipleOf(0.1);
const probe = z.discriminatedUnion('type', [
  z.object({ type: z.literal('command'), command: z.array(z.string()).min(1) }),
  z.object({ type: z.enum(['tcp', 'grpc']), port: z.int().min(1).max(65_535) }),
  z.object({ type: z.literal('http-get'), port: z.int().min(1).max(65_535), path: absolute }),
]);
const appSchema = z.strictObject({
  apiVersion: semantic.optional(),
  type: z.enum(['service', 'application']),
  command: z.string().min(1),
  environment: z.record(z.string().regex(/^[A-Z_]+$/), z.string()).optional(),
  input: z.strictObject({ path: z.string().optional(), formats: z.array(z.record(z.string(), z.string())).min(1) }),
  output: z.strictObject({ path: z.string().optional(), format: z.record(z.string(), z.string()) }),
  readiness: probe.optional(),
  liveness: probe.optional(),
  sdk: z.string().optional(),
  sdkVersion: semantic.optional(),
  timeout: z.int().min(0).optional(),
  version: semantic.optional(),
  workingDirectory: absolute.optional(),
});
const pkgSchema = z.strictObject({
  apiVersion: semantic.optional(),
  applicationRoot: absolute,
  modelRoot: absolute.optional(),
  models: z.array(z.strictObject({ name: named, path: z.string().optional() })).optional(),
  resources: z
    .strictObject({
      ...{ cpu: amount, cpuLimit: amount, gpu: amount, gpuLimit: amount },
      ...{ memory: size, memoryLimit: size, gpuMemory: size, gpuMemoryLimit: size, sharedMemory: size },
    })
    .partial()
    .optional(),
  version: semantic.optional(),
});

describe('the manifests', () => {
  it('have the fields and forms of the specification, and the version of graft', () => {
    const [app, pkg] = [appSchema.parse(read('app.json')), pkgSchema.parse(read('pkg.json'))];
    expect([app.version, app.sdkVersion, pkg.version]).toEqual([version, version, version]);
    expect(readFileSync(join(folder, 'Containerfile'), 'utf8')).toContain(`image.version="${version}"`);
  });

  it('name what the container has', () => {
    const [app, pkg] = [read('app.json'), read('pkg.json')];
    const built = readFileSync(join(folder, 'Containerfile'), 'utf8');
    expect(app.command).toBe(`${pkg.applicationRoot}/segment`);
    expect(built).toContain(`ENTRYPOINT ["${app.command}"]`);
    expect(built).toContain(`WORKDIR ${app.workingDirectory}`);
    expect(built).toContain(`COPY . ${pkg.modelRoot}/`);
    const { HOLOSCAN_INPUT_PATH: input, HOLOSCAN_OUTPUT_PATH: output } = app.environment;
    expect([input, output]).toEqual([app.input.path, app.output.path].map((path) => join(app.workingDirectory, path)));
  });
});

describe('the application', () => {
  const place = temporaryFolder();
  const at = (...names: string[]) => join(place, ...names);
  const run = (...args: string[]) =>
    spawnSync(join(folder, 'segment'), args, {
      encoding: 'utf8',
      env: {
        ...process.env,
        ...{ PATH: [at('bin'), process.env.PATH].join(delimiter), XDG_CONFIG_HOME: at('config') },
        ...{ HOLOSCAN_INPUT_PATH: at('input'), HOLOSCAN_OUTPUT_PATH: at('output'), HOLOSCAN_MODEL_PATH: at('models') },
        ...{
          HOLOSCAN_APP_MANIFEST_PATH: join(folder, 'app.json'),
          HOLOSCAN_PKG_MANIFEST_PATH: join(folder, 'pkg.json'),
        },
        HOLOSCAN_EXPORT_PATH: at('export'),
      },
    });

  it('makes a DICOM-SEG of each series in the input folder, and tells what it is', () => {
    for (const name of ['bin', 'output', 'models/model']) mkdirSync(at(name), { recursive: true });
    writeFileSync(at('bin', 'graft'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(at('bin', 'graft'), 0o755);
    writeSeries(at('input', 'any', 'folder'), { slices: 6, rows: 24, columns: 24, pixelSpacing: [8, 8], spacing: 8 });
    const model = unetSegmenter(
      { inChannels: 1, outChannels: 1, filters: 2 },
      { preprocessing: preprocessingSchema.parse({ spacing: 8, size: [32, 32] }) },
    );
    model.initialise(1);
    saveSegmenter(at('models', 'model', 'model.safetensors'), model);
    const { status, stderr } = run('--empty', '--device', 'cpu');
    expect({ status, errors: stderr.includes('error:') }).toEqual({ status: 0, errors: false });
    const masks = readdirSync(at('output')).filter((name) => name.endsWith('.dcm'));
    expect(masks.map((name) => decode(readFileSync(at('output', name))).Modality)).toEqual(['SEG']);

    expect(run('show').stdout).toContain('"applicationRoot"');
    expect(run('extract').status).toBe(0);
    expect(readdirSync(at('export')).sort()).toEqual(['app', 'config', 'models']);
    expect(readdirSync(at('export', 'config')).sort()).toEqual(['app.json', 'pkg.json']);
  });
});
