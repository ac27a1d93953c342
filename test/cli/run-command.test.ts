import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { listenForInterrupts } from '../../src/cli/interrupt.js';

/** A program with one command, whose `run` is the given JavaScript; the event and error types are the real ones. */
function start(body: string, ...args: string[]): ChildProcess {
  const url = (file: string) => JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href);
  const script = `
    import { Command } from 'commander';
    import { defineCommand } from ${url('cli/command.js')};
    import { runProgram } from ${url('cli/run-command.js')};
    import { errorsOf } from ${url('core/index.js')};
    const fail = errorsOf({ SCAN_LOST: { exit: 'data', message: '{file}: lost.', hint: 'Look again.' } });
    const program = new Command('graft').option('--json').option('--quiet').exitOverride();
    defineCommand(program, { name: 'work', summary: 's', examples: [], async run(context) { ${body} } });
    await runProgram(program, ${JSON.stringify(['work', ...args])});`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  return spawn(process.execPath, ['--input-type=module', '-e', script], { cwd });
}

async function finish(child: ChildProcess, onOutput: (all: string) => void = () => {}) {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
    onOutput(stderr);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, stdout, stderr };
}

describe('an error', () => {
  it('of the user is a message and a hint, with its own exit code', async () => {
    const { status, stdout, stderr } = await finish(start("throw fail('SCAN_LOST', { file: 'a.nii' })"));
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toBe('error: a.nii: lost.\nhint: Look again.\n');
  });

  it('is a JSON document on stdout with --json', async () => {
    const { status, stdout, stderr } = await finish(start("throw fail('SCAN_LOST', { file: 'a.nii' })", '--json'));
    expect({ status, stderr }).toEqual({ status: 3, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'SCAN_LOST', message: 'a.nii: lost.', hint: 'Look again.' } });
  });

  it('of graft itself is called a defect and shows where it happened', async () => {
    const { status, stderr } = await finish(start('null.field'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/TypeError[\s\S]*at [\s\S]*error: internal error: Cannot read/);
  });

  it('of the system is no defect', async () => {
    const body = "throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })";
    const { status, stderr } = await finish(start(body));
    expect(status).toBe(6);
    expect(stderr).toMatch(/^error: The system refused: EACCES/);
  });
});

describe('Ctrl-C', () => {
  it('aborts the signal first and exits with 130 the second time', () => {
    const said: string[] = [];
    const codes: number[] = [];
    const host = Object.assign(new EventEmitter(), { exit: (code: number) => codes.push(code) });
    const interrupts = listenForInterrupts(host, (text) => said.push(text));
    expect(interrupts.signal.aborted).toBe(false);
    host.emit('SIGINT');
    expect(interrupts.signal.aborted).toBe(true);
    expect(said).toHaveLength(1);
    expect(codes).toEqual([]);
    host.emit('SIGINT');
    expect(codes).toEqual([130]);
    interrupts[Symbol.dispose]();
    expect(host.listenerCount('SIGINT') + host.listenerCount('SIGTERM')).toBe(0);
  });

  // Work that only computes, as training does: nothing in it waits for timers or input.
  const busy = `
    await context.follow((async function* () {
      try {
        yield { kind: 'note', text: 'started' };
        for (let i = 0; ; i++) {
          const end = performance.now() + 5;
          while (performance.now() < end);
          yield { kind: 'step', done: i, total: 1e9 };
        }
      } finally {
        SAVE
      }
    })());`;

  it('ends work that only computes at its next event and lets it save', async () => {
    const child = start(busy.replace('SAVE', "console.log('saved');"));
    let sent = false;
    const { status, stdout, stderr } = await finish(child, (text) => {
      if (!sent && text.includes('started')) sent = child.kill('SIGINT');
    });
    expect({ status, stdout }).toEqual({ status: 130, stdout: 'saved\n' });
    expect(stderr).toContain('Press Ctrl-C again');
  });

  it('pressed twice ends work that goes on', async () => {
    const child = start(busy.replace('SAVE', 'for (;;) await new Promise(setImmediate);'));
    let sent = 0;
    const { status, stdout } = await finish(child, (text) => {
      if (sent === 0 && text.includes('started')) sent = Number(child.kill('SIGINT'));
      else if (sent === 1 && text.includes('again')) sent += Number(child.kill('SIGINT'));
    });
    expect({ status, stdout, sent }).toEqual({ status: 130, stdout: '', sent: 2 });
  });

  it('ends a command that throws at the abort with a message, not with a defect', async () => {
    const child = start(`
      console.error('started');
      const { setTimeout } = await import('node:timers/promises');
      await setTimeout(60_000, undefined, { signal: context.signal });`);
    let sent = false;
    const { status, stderr } = await finish(child, (text) => {
      if (!sent && text.includes('started')) sent = child.kill('SIGTERM');
    });
    expect(status).toBe(130);
    expect(stderr).toContain('error: Interrupted');
    expect(stderr).not.toContain('    at ');
  });
});
