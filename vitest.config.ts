import { defineConfig } from 'vitest/config';

/** The chart's tests and the Tiltfile's need Helm, promtool and Go: `breakwater test --chart` runs them, and nothing else. */
const isChart = process.env.BREAKWATER_TEST_CHART === '1';

/** These need a cluster: `breakwater test --e2e` runs them, and nothing else. */
const isE2e = process.env.BREAKWATER_TEST_E2E === '1';
const onCluster = ['test/e2e/**/*.test.ts', 'services/*/test/kube/**/*.kube.test.ts'];

/** Tests that take minutes: `breakwater test --long` runs them beside the others. */
const isLong = process.env.BREAKWATER_TEST_LONG !== undefined;

/** Tests talk to real processes, so files run a few at a time and get generous deadlines. */
export default defineConfig({
  test: {
    include: isE2e
      ? onCluster
      : [
          'packages/*/{src,test}/**/*.test.ts',
          'services/*/{src,test,page}/**/*.test.ts',
          'games/*/{src,test}/**/*.test.ts',
          'tools/{src,test}/**/*.test.ts',
          'bench/src/**/*.test.ts',
          'test/**/*.test.ts',
        ],
    exclude: [
      '**/node_modules/**',
      ...(isChart ? [] : ['test/chart/**', 'test/tilt/**']),
      ...(isE2e ? [] : onCluster),
      ...(isLong ? [] : ['**/*.long.test.ts']),
    ],
    maxWorkers: isE2e ? 1 : 2,
    testTimeout: isE2e ? 300_000 : 30_000,
    hookTimeout: isE2e ? 900_000 : 120_000,
    teardownTimeout: 10_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
