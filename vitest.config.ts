import { defineConfig } from 'vitest/config';

/** The chart's tests need Helm and promtool: `breakwater test --chart` runs them, and nothing else. */
const isChart = process.env.BREAKWATER_TEST_CHART === '1';

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
    exclude: ['**/node_modules/**', ...(isChart ? [] : ['test/chart/**'])],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
