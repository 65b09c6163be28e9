import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CommandError } from '../src/command.ts';
import { openDataFolder } from '../src/start/data.ts';
import { readNatsLine } from '../src/start/nats-log.ts';
import { parseStartOptions } from '../src/start/options.ts';
import { JsonOutput, TerminalOutput } from '../src/start/output.ts';
import { dealSettings } from '../src/start/settings.ts';
import { formatTable } from '../src/text-table.ts';

const KNOWN = new Map([
  [
    'chat',
    new Set(['BREAKWATER_NATS_URL', 'BREAKWATER_LOG_LEVEL', 'BREAKWATER_INSTANCE', 'BREAKWATER_CHAT_X']),
  ],
  ['web', new Set(['BREAKWATER_LOG_LEVEL', 'BREAKWATER_INSTANCE', 'BREAKWATER_WEB_PORT'])],
]);

test('a service gets the variables of its schema and OpenTelemetry, and no others', () => {
  const env = {
    BREAKWATER_NATS_URL: 'nats://x:1',
    BREAKWATER_LOG_LEVEL: 'debug',
    BREAKWATER_CHAT_X: '1',
    BREAKWATER_WEB_PORT: '9000',
    BREAKWATER_TEST_LONG: '1',
    OTEL_SERVICE_NAME: 'b',
    HOME: '/root',
  };
  expect(dealSettings(env, KNOWN)).toEqual({
    chat: {
      BREAKWATER_NATS_URL: 'nats://x:1',
      BREAKWATER_LOG_LEVEL: 'debug',
      BREAKWATER_CHAT_X: '1',
      OTEL_SERVICE_NAME: 'b',
    },
    web: { BREAKWATER_LOG_LEVEL: 'debug', OTEL_SERVICE_NAME: 'b' },
  });
});

test('variables that belong to nobody, or to each process, are named in one sentence', () => {
  const deal = () =>
    dealSettings({ BREAKWATER_CHATX: '1', BREAKWATER_INSTANCE: 'a', BREAKWATER_Y: '2' }, KNOWN);
  expect(deal).toThrow(CommandError);
  expect(deal).toThrow(
    'A setting is wrong: BREAKWATER_CHATX is not a setting of any service; ' +
      'BREAKWATER_INSTANCE is given to each process by start: leave it out; BREAKWATER_Y is not a setting of any service.',
  );
});

test('options have defaults, the port may come from the environment, and a bad one is a sentence', () => {
  expect(parseStartOptions([], {})).toEqual({
    port: 8080,
    bots: 0,
    edges: 2,
    simulations: 2,
    data: undefined,
  });
  expect(parseStartOptions(['--bots', '20', '--port=9000'], {})).toMatchObject({ port: 9000, bots: 20 });
  expect(parseStartOptions([], { BREAKWATER_WEB_PORT: '9100' })).toMatchObject({ port: 9100 });
  for (const bad of [
    ['--port', '0'],
    ['--port', '8080x'],
    ['--bots', '-1'],
    ['--edges', '0'],
    ['--nope'],
    ['x'],
  ]) {
    expect(() => parseStartOptions(bad, {})).toThrow(CommandError);
  }
});

test('a data folder has one user at a time, and keeps its secret to itself', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-data-'));
  try {
    const first = await openDataFolder(dir);
    await expect(openDataFolder(dir)).rejects.toThrow(
      `Breakwater runs already with the data in ${dir} (process ${process.pid})`,
    );
    first.lock.release();
    const second = await openDataFolder(dir);
    expect(second.jwtSecret).toBe(first.jwtSecret);
    expect(first.jwtSecret).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(join(dir, 'jwt-secret')).mode & 0o077).toBe(0);
    second.lock.release();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

function written(use: (stream: { write(text: string): boolean }) => void): string {
  let all = '';
  use({
    write(text) {
      all += text;
      return true;
    },
  });
  return all;
}

const jsonLine = {
  source: 'stdout' as const,
  text: '{"level":"warn","time":"t","service":"edge","instance":"edge-1","msg":"slow","user":"u1"}',
  fields: { level: 'warn', time: 't', service: 'edge', instance: 'edge-1', msg: 'slow', user: 'u1' },
};

test('at a terminal a log line is time, instance, level when it matters, message and fields', () => {
  const text = written((stream) => new TerminalOutput(stream as never, false).log('edge-1', jsonLine));
  expect(text).toMatch(/^\d\d:\d\d:\d\d edge-1 {7}warn slow user=u1\n$/);
});

test('services have colours of their own', () => {
  const colourOf = (instance: string) => {
    const text = written((stream) => new TerminalOutput(stream as never, true).log(instance, jsonLine));
    return new RegExp(`\\u001b\\[(\\d+)m${instance}`).exec(text)?.[1];
  };
  const colours = ['chat-1', 'matchmaker-1', 'simulation-2', 'edge-1', 'web-1'].map(colourOf);
  expect(new Set(colours).size).toBe(5);
  expect(colourOf('edge-1')).toBe(colourOf('edge-2'));
});

test('for a program the lines pass through and everything else is JSON too', () => {
  const lines = written((stream) => {
    const output = new JsonOutput(stream as never);
    output.log('edge-1', jsonLine);
    output.log('edge-1', { source: 'stderr', text: 'plain words', fields: undefined });
    output.say('info', 'stopping');
    output.running({ url: 'http://localhost:8080', rows: [], dataDir: '/d' });
  });
  const [first, ...others] = lines.trimEnd().split('\n');
  expect(first).toBe(jsonLine.text);
  expect(others.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', instance: 'edge-1', msg: 'plain words' },
    { level: 'info', msg: 'stopping' },
    { msg: 'Breakwater runs: http://localhost:8080', url: 'http://localhost:8080' },
  ]);
});

test("nats-server's reports are left out and its warnings come through", () => {
  const line = (text: string) => readNatsLine({ source: 'stderr', text, fields: undefined });
  expect(line('[12] 2026/11/22 03:29:12.931401 [INF] Server is ready')).toBeUndefined();
  expect(line('[12] 2026/11/22 03:29:12.931401 [WRN] Filesystem is slow')?.fields).toEqual({
    level: 'warn',
    service: 'nats',
    msg: 'Filesystem is slow',
  });
});

test('a table lines its columns up, numbers at the right', () => {
  const table = formatTable(
    ['service', 'port'],
    [
      ['edge', '8081'],
      ['chat', ''],
      ['web', '80'],
    ],
  );
  expect(table.split('\n')).toEqual([
    '  service  port',
    '  ───────  ────',
    '  edge     8081',
    '  chat',
    '  web        80',
  ]);
});
