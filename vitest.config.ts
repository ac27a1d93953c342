import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Temporary files lie in memory where there is room: graft waits for the disk at every file that it must not lose. */
function temporaryFolder(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > 2 ** 31 ? memory : tmpdir();
}

/**
 * Files that look at what belongs to their whole process, its memory or the engine's generators, have a process of their
 * own. All others share two, which load the package once.
 */
const ofProcess = /memoryUsage|memoryStatistics|manualSeed|expose-gc|\/contract\.js/;
const alone = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => join('test', name))
  .filter((file) => ofProcess.test(readFileSync(file, 'utf8')));

export default defineConfig({
  test: {
    // For what hangs; how long a test takes depends on who else uses the machine. The slowest takes twenty seconds alone.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // In CI a few failures say enough: tests that hang one after another would take hours.
    bail: process.env.CI ? 3 : 0,
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // One thread for each of them: what tests compute is small, and threads that wait for each other take the processor.
    env: { OMP_NUM_THREADS: '1', OMP_WAIT_POLICY: 'passive', TMPDIR: temporaryFolder() },
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: alone, isolate: false } },
    ],
  },
});
