import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generatedBlock, replaceBlock } from '../src/gen/generated-file.ts';
import { binDir } from '../src/run-program.ts';
import { missingCommands } from '../src/verify/cluster-commands.ts';
import { describeClusterRun } from '../src/verify/e2e.ts';
import { countTests, isGreen, listTests } from '../src/verify/report.ts';
import { runSteps, summarize } from '../src/verify/steps.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((outcome) => ({ status: outcome })),
});

test('tests are counted by outcome, and a file that could not be loaded is a failure', () => {
  const report = {
    testResults: [
      file('passed', 'passed', 'passed', 'skipped'),
      file('failed', 'failed', 'passed', 'todo'),
      file('failed'),
    ],
  };
  expect(countTests(report)).toEqual({ passed: 3, failed: 2, skipped: 2 });
});

test('a run in which nothing passed is not green', () => {
  expect(isGreen(countTests({ testResults: [] }))).toBe(false);
  expect(isGreen(countTests({ testResults: [file('passed', 'skipped')] }))).toBe(false);
  expect(isGreen(countTests({ testResults: [file('passed', 'passed')] }))).toBe(true);
  expect(isGreen(countTests({ testResults: [file('passed', 'passed'), file('failed')] }))).toBe(false);
});

test('a run on a cluster tells of each test how long it took, what was measured, and which commands the environment lacks', () => {
  const test = (fullName: string, status: string, duration?: number) => ({ fullName, status, duration });
  const tests = listTests({
    testResults: [
      { status: 'passed', assertionResults: [test('plays', 'passed', 1_234), test('pauses', 'skipped')] },
      { status: 'failed', assertionResults: [test('moves', 'failed', 20_000)] },
    ],
  });
  const env = { BREAKWATER_E2E_BUILD_IMAGE: 'x', BREAKWATER_E2E_RESUME_API: 'x' };
  const text = describeClusterRun(tests, ['killed: 1 s'], env);
  expect(text).toContain('1.2 s  plays');
  expect(text).toContain('not run  pauses');
  expect(text).toContain('20.0 s  FAILED  moves');
  expect(text).toContain('BREAKWATER_E2E_PAUSE_API is not set');
  expect(text).not.toContain('BREAKWATER_E2E_RESUME_API');
  expect(text).toMatch(/── measured\n {2}killed: 1 s$/);
  expect(describeClusterRun(tests, [], env)).not.toContain('measured');
  expect(missingCommands({}).map((command) => command.env)).not.toContain('BREAKWATER_E2E_PREPARE_VOLUMES');
});

test('what is no report of vitest, or has an unknown outcome, is an error and not a zero', () => {
  for (const bad of [undefined, null, {}, { testResults: 3 }, { testResults: [{}] }])
    expect(() => countTests(bad)).toThrow();
  expect(() => countTests({ testResults: [file('passed', 'perhaps')] })).toThrow(/perhaps/);
});

test('the report that vitest really writes is read', { timeout: 60_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-vitest-'));
  try {
    const body =
      "test('a', () => {});\ntest('b', () => { throw new Error('no'); });\ntest.skip('c', () => {});\n";
    writeFileSync(join(dir, 'mixed.test.js'), body);
    writeFileSync(join(dir, 'broken.test.js'), "throw new Error('cannot be loaded');\n");
    const args = [
      'run',
      '--root',
      dir,
      '--globals',
      '--reporter=json',
      `--outputFile=${join(dir, 'report.json')}`,
    ];
    const { status } = spawnSync(join(binDir, 'vitest'), args, {
      env: { PATH: `${binDir}:${process.env.PATH}` },
    });
    expect(status).toBe(1);
    const counts = countTests(JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')));
    expect(counts).toEqual({ passed: 1, failed: 2, skipped: 1 });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('every step runs, also after one that failed, and the summary names them', async () => {
  const said: string[] = [];
  const step = (name: string, ok: boolean) => ({ name, run: () => Promise.resolve(ok) });
  const results = await runSteps([step('types', false), step('lint', true)], (text) => said.push(text));
  expect(results.map(({ ok }) => ok)).toEqual([false, true]);
  expect(said).toEqual(['\n── types', '\n── lint']);
  expect(summarize(results)).toMatch(/types {2}FAILED {2}\d+\.\d s\n {2}lint {3}ok {6}\d+\.\d s$/);
});

test('a generated block is replaced and everything around it stays', () => {
  const before = `# Title\n\nWritten by hand.\n\n${generatedBlock('x', 'old')}\n\nMore by hand.\n`;
  const after = replaceBlock(before, 'x', 'new');
  expect(after).toBe(before.replace('old', 'new'));
  expect(replaceBlock(after, 'x', 'new')).toBe(after);
});

test('a file without the block, or with two, is an error', () => {
  expect(() => replaceBlock('# Title', 'x', 'new')).toThrow(/there must be one/);
  const block = generatedBlock('x', 'a');
  expect(() => replaceBlock(`${block}\n${block}`, 'x', 'new')).toThrow(/there must be one/);
});
