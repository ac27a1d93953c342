import { existsSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Temporary files lie in memory where there is room: graft waits for the disk at every file that it must not lose. */
function temporaryFolder(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > 2 ** 31 ? memory : tmpdir();
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ['test/equality.ts'],
    // Each file in a process of its own: the engine's thread count and generators are per process.
    pool: 'forks',
    maxWorkers: 2,
    // One thread for each of them: what tests compute is small, and threads that wait for each other take the processor.
    env: { OMP_NUM_THREADS: '1', OMP_WAIT_POLICY: 'passive', TMPDIR: temporaryFolder() },
  },
});
