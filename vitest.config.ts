import { defineConfig } from 'vitest/config';

/** Tests talk to real processes, so files run a few at a time and get generous deadlines. */
export default defineConfig({
  test: {
    include: [
      'packages/*/{src,test}/**/*.test.ts',
      'services/*/{src,test,page}/**/*.test.ts',
      'games/*/{src,test}/**/*.test.ts',
      'tools/{src,test}/**/*.test.ts',
      'bench/src/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
