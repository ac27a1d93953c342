import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graft, graftProcess, main } from './graft.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'graft-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('help', () => {
  const { stdout } = graft(['--help']);
  const commands = stdout.match(/(?<=^Commands:\n)[\s\S]*?(?=\n\n)/m)?.[0].match(/^ {2}\w+/gm) ?? [];

  it('shows how to begin and the exit codes', () => {
    expect(stdout).toContain('Getting started');
    expect(stdout).toMatch(/5 +libtorch/);
    expect(commands.map((name) => name.trim())).toEqual(expect.arrayContaining(['doctor', 'params', 'phantom']));
  });

  it.each(commands.map((name) => name.trim()))('of %s has examples and says what its options are', (name) => {
    const { status, stdout, stderr } = graft([name, '--help']);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\n  # .+\n  graft ${name}`));
    expect(stdout).toContain('--json');
    expect(graft(['help', name]).stdout).toBe(stdout);
  });
});

describe('a process of its own', () => {
  it.each([['params'], ['doctor'], ['data', '--help'], ['run', '--list']])('ends by itself: graft %s', (...args) => {
    const { status, stdout, stderr } = graftProcess(args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(graft(args).stdout);
  });

  it('has the exit code of a mistake', () => {
    expect(graftProcess(['parms'])).toMatchObject({ status: 2, stdout: '' });
  });
});

describe('a mistake in the command line', () => {
  it.each([
    [['parms'], /unknown command 'parms'\nhint: Did you mean params\?/],
    [['params', '--fliters', '3'], /unknown option '--fliters'\nhint: Did you mean --filters\?/],
    [['params', '--rank'], /argument missing\nhint: Run "graft params --help"/],
    [['params', '--rank', '0'], /--rank: expected number to be >=1, found 0/],
    [['phantom'], /missing required argument 'folder'\nhint: Run "graft phantom --help"/],
    [[], /Name a command/],
  ])('%j is told with a hint, and exits with 2', (args, message) => {
    const { status, stdout, stderr } = graft(args);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('is one JSON document on stdout with --json, and nothing on stderr', () => {
    const { status, json, stderr } = graft(['params', '--rnk', '2', '--json']);
    expect(json().error).toEqual({ code: 'USAGE', message: "unknown option '--rnk'", hint: 'Did you mean --rank?' });
    expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
  });

  it('is coloured where FORCE_COLOR asks for it', () => {
    expect(graft(['parms'], { env: { FORCE_COLOR: '1' } }).stderr).toContain('\x1b[31merror:\x1b[39m');
  });
});

describe('graft params', () => {
  it('counts the U-Net of the ConvLoRA paper and its adapters', () => {
    const counts = graft(['params', '--json']).json();
    expect(counts.total).toBe(2_434_771);
    expect(counts.runningStatistics).toBe(6338);
    expect(counts.blocks.init_path).toBe(14_160);
    expect(Object.values<number>(counts.blocks).reduce((sum, value) => sum + value, 0)).toBe(counts.total);
    expect(counts.earlyHeads.map(({ parameters }: { parameters: number }) => parameters)).toEqual([
      2725, 4453, 7909, 14821,
    ]);
    const [initPath, , , encoder] = counts.placements;
    expect(initPath).toMatchObject({ factors: 3762, affine: 192, trained: 3954, float32Bytes: 4 * (3954 + 6338) });
    expect(initPath.share).toBeCloseTo(0.001624, 6);
    expect(encoder).toMatchObject({ factors: 54_834, affine: 2880, trained: 57_714 });
  });

  it('counts one placement where blocks are named, with commas or repeated', () => {
    const { placements } = graft(['params', '--json', '--blocks', 'init_path,down1', '--blocks', 'down2']).json();
    expect(placements).toHaveLength(1);
    expect(placements[0]).toMatchObject({ blocks: ['init_path', 'down1', 'down2'], trained: 26_994 });
  });

  it('tells people the same numbers, and of the misprint', () => {
    const { stdout } = graft(['params']);
    for (const text of ['2,434,771', '3,954', '0.162 %', '57,714', '41.2 kB', '24.3 M']) expect(stdout).toContain(text);
    expect(graft(['params', '--filters', '8']).stdout).not.toContain('24.3 M');
  });

  it('counts what every training plan of Segment Anything trains and sends', () => {
    const options = ['params', '--model', 'sam-vit-b', '--image-size', '224', '--classes', '2', '--rank', '32'];
    const { total, plans } = graft([...options, '--json']).json();
    expect(total).toBe(90_532_927);
    const flapSam = plans.find(({ plan }: { plan: string }) => plan === 'flap-sam');
    expect(flapSam).toMatchObject({ trained: 1_846_384, transmitted: 1_846_384, float32Bytes: 7_385_536 });
    expect(flapSam.reduction).toBeCloseTo(49.03, 2);
    const { stdout } = graft(options);
    for (const text of ['90,532,927', '31,681,152', '478,320', '7.4 MB', '49.03']) expect(stdout).toContain(text);
  });

  it('refuses options of another model', () => {
    expect(graft(['params', '--model', 'sam-tiny', '--filters', '8']).stderr).toContain(
      '--filters says nothing of sam-tiny',
    );
    expect(graft(['params', '--kind', 'dora']).stderr).toContain('--kind says nothing of unet2d');
    const odd = graft(['params', '--model', 'sam-tiny', '--image-size', '100']);
    expect(odd).toMatchObject({ status: 2, stdout: '' });
    expect(odd.stderr).toContain('--image-size: must be a multiple of 16, found 100');
  });
});

describe('graft phantom', () => {
  const options = ['--cases', '1', '--spacing', '8', '--scanners', 'ge-t1,lowfield-t1'];

  it('writes a data set, shows plain progress on stderr, and overwrites nothing unless forced', () => {
    const target = join(folder, 'phantom');
    const first = graft(['phantom', target, ...options, '--json', '--quiet']);
    expect(first.json()).toMatchObject({ folder: target, sites: ['ge-t1', 'lowfield-t1'], cases: 1, seed: 0 });
    expect(graft(['phantom', target, ...options])).toMatchObject({ status: 2, stdout: '' });
    const forced = graft(['phantom', target, ...options, '--force']);
    expect(forced.stderr).toMatch(/^phantoms: 2 steps\nphantoms: done in \d+:\d\d\n$/);
    expect(forced.stdout).toBe(`2 cases in ${target}: 1 each of ge-t1, lowfield-t1\n`);
  });

  it('gives progress as JSON lines before the result', () => {
    const lines = graft(['phantom', join(folder, 'lines'), ...options, '--json'])
      .stdout.trim()
      .split('\n');
    const documents = lines.map((line) => JSON.parse(line));
    expect(documents.slice(0, -1).every((each) => 'progress' in each)).toBe(true);
    expect(documents.at(-1).sites).toEqual(['ge-t1', 'lowfield-t1']);
  });

  it('refuses a file as the folder, also when forced', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const { status, stderr } = graft(['phantom', file, '--force']);
    expect(status).toBe(2);
    expect(stderr).toContain('found a file');
  });
});

describe('graft doctor', () => {
  it('reports the engine and exits with 0 where it can compute', () => {
    const { status, json } = graft(['doctor', '--json']);
    expect(json()).toMatchObject({
      usable: true,
      node: process.versions.node,
      torch: { version: expect.stringMatching(/^\d/) },
    });
    expect(json().devices[0]).toBe('cpu');
    expect(status).toBe(0);
  });

  it('works without the engine, names the command that builds it and exits with 5', () => {
    // The same program where no addon was built beside it.
    const bare = join(folder, 'bare');
    const root = dirname(dirname(dirname(main)));
    mkdirSync(bare);
    for (const part of ['core', 'torch', 'cli'])
      cpSync(join(root, 'dist', part), join(bare, 'dist', part), { recursive: true });
    cpSync(join(root, 'package.json'), join(bare, 'package.json'));
    // zod and the rest stay away: what must work on a broken machine loads nothing heavy.
    mkdirSync(join(bare, 'node_modules'));
    symlinkSync(join(root, 'node_modules/commander'), join(bare, 'node_modules/commander'));
    const file = join(bare, 'dist/cli/main.js');
    const { status, json } = graftProcess(['doctor', '--json'], { file });
    expect(status).toBe(5);
    expect(json()).toMatchObject({ usable: false, devices: [] });
    expect(json().missing.at(-1)).toMatchObject({ fix: 'npm run install', blocking: true });
    expect(graftProcess(['--help'], { file }).status).toBe(0);
    const people = graftProcess(['doctor'], { file });
    expect(people.status).toBe(5);
    expect(people.stdout).toContain('npm run install');
  });
});
