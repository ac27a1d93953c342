import { defineConfig } from 'vitest/config';
export default defineConfig({
    test: {
        include: ['test/**/*.test.ts'],
        testTimeout: 120_000,
        hookTimeout: 120_000,
        // Each file in a process of its own: the engine's thread count and generators are per process.
        pool: 'forks',
        maxWorkers: 2,
    },
});
