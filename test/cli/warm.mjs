/** A thread that runs the compiled command again and again: what it has loaded and compiled is there the next time. */
import { parentPort, workerData } from 'node:worker_threads';

let count = 0;
parentPort.on('message', async ({ args, env, port, done }) => {
  const before = { ...process.env };
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    process[name].write = (text) => {
      written[name] += text;
      return true;
    };
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  process.argv = [process.execPath, workerData, ...args];
  process.exitCode = undefined;
  try {
    // Only the file itself runs anew; what it imports is loaded once.
    await import(`file://${workerData}?${count++}`);
  } catch (error) {
    Object.assign(written, { stderr: written.stderr + error.stack });
    process.exitCode = 1;
  }
  process.stdout.removeAllListeners('error');
  // What a process does when it ends, such as giving locks back.
  for (const end of process.listeners('exit')) end(0);
  process.env = before;
  port.postMessage({ status: process.exitCode ?? 0, ...written });
  process.exitCode = undefined;
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
});
