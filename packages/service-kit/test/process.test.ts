import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  eventually,
  type ManagedProcess,
  type NatsServer,
  spawnProcess,
  startNats,
} from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const FIXTURE = fileURLToPath(new URL('fixture-service.ts', import.meta.url));
const DEADLINE_MS = 20_000;

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

function environment(fault: string, extra: Record<string, string> = {}): Record<string, string> {
  return {
    BREAKWATER_NATS_URL: nats.url,
    BREAKWATER_HTTP_HOST: '127.0.0.1',
    BREAKWATER_HTTP_PORT: '0',
    BREAKWATER_FIXTURE_FAULT: fault,
    ...extra,
  };
}

const run = (fault: string, extra?: Record<string, string>, args: string[] = []): Promise<ManagedProcess> =>
  spawnProcess({
    name: 'fixture',
    command: process.execPath,
    args: [FIXTURE, ...args],
    env: environment(fault, extra),
  });

interface Line {
  msg?: string;
  step?: string;
  level?: string;
  [field: string]: unknown;
}

function linesOf({ lines }: ManagedProcess): Line[] {
  return lines.filter(({ text }) => text.startsWith('{')).map(({ text }) => JSON.parse(text) as Line);
}

const stepsOf = (child: ManagedProcess) =>
  linesOf(child).flatMap(({ step }) => (step === undefined ? [] : [step]));

async function untilReady(child: ManagedProcess): Promise<Line> {
  const line = await child.waitForLine(({ text }) => text.includes('"msg":"ready"'), DEADLINE_MS);
  return JSON.parse(line.text) as Line;
}

describe('a service process', () => {
  test('says ready once with its ports, whatever the log level, and answers on the admin port', async () => {
    await using child = await run('none', {
      BREAKWATER_LOG_LEVEL: 'error',
      BREAKWATER_INSTANCE: 'fixture-7',
    });
    const ready = await untilReady(child);
    expect(ready).toMatchObject({
      service: 'fixture',
      instance: 'fixture-7',
      port: 4321,
      httpPort: expect.any(Number),
    });
    expect(linesOf(child)).toHaveLength(1);
    const base = `http://127.0.0.1:${String(ready.httpPort)}`;
    for (const path of ['/livez', '/readyz', '/startupz'])
      expect((await fetch(base + path)).status).toBe(200);
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('breakwater_nats_connected 1');
  });

  test('on SIGTERM turns not-ready, drains in reverse, stops in reverse and exits 0', async () => {
    await using child = await run('none');
    await untilReady(child);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(stepsOf(child)).toEqual([
      'inner start',
      'listener start',
      'listener drain, ready false',
      'inner drain',
      'listener stop',
      'inner stop',
    ]);
  });

  test('on SIGINT stops without draining and exits 0', async () => {
    await using child = await run('none');
    await untilReady(child);
    child.signal('SIGINT');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(stepsOf(child)).toEqual(['inner start', 'listener start', 'listener stop', 'inner stop']);
  });

  test.each([
    ['drain-hangs', 'drain of inner: the deadline was missed'],
    ['stop-hangs', 'stop of inner: the deadline was missed'],
  ])('that misses its deadline (%s) stops the rest and exits 1', async (fault, words) => {
    await using child = await run(fault, {
      BREAKWATER_DRAIN_DEADLINE_MS: '600',
      BREAKWATER_STOP_DEADLINE_MS: '300',
    });
    await untilReady(child);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(linesOf(child).at(-1)).toMatchObject({
      msg: 'stopped',
      clean: false,
      faults: expect.arrayContaining([words]),
    });
    expect(stepsOf(child)).toContain('listener stop');
  });

  test('exits at once at the second signal', async () => {
    await using child = await run('drain-hangs', { BREAKWATER_DRAIN_DEADLINE_MS: '3600000' });
    await untilReady(child);
    child.signal('SIGTERM');
    await child.waitForLine(({ text }) => text.includes('listener drain'), DEADLINE_MS);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
  });

  test('that cannot start says why, stops what had started and exits 1', async () => {
    await using child = await run('start');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(linesOf(child).at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'the service could not start: no disk',
    });
    expect(stepsOf(child)).toEqual(['inner start', 'inner stop']);
    expect(linesOf(child).some(({ msg }) => msg === 'ready')).toBe(false);
  });

  test.each([
    ['throw', 'thrown outside'],
    ['reject', 'rejected outside'],
  ])('logs what nobody caught (%s) as fatal and exits 1', async (fault, words) => {
    await using child = await run(fault);
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(linesOf(child).at(-1)).toMatchObject({ level: 'fatal', err: { message: words } });
  });

  test('that waits for NATS can be ended by a signal, and exits 0', async () => {
    await using child = await run('none', { BREAKWATER_NATS_URL: 'nats://127.0.0.1:1' });
    await child.waitForLine(({ text }) => text.includes('cannot connect to NATS yet'), DEADLINE_MS);
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  test('refuses an admin port that is taken, in one line', async () => {
    await using first = await run('none');
    const { httpPort } = await untilReady(first);
    await using second = await run('none', { BREAKWATER_HTTP_PORT: String(httpPort) });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(linesOf(second).at(-1)?.msg).toMatch(/^the service could not start: .*EADDRINUSE/);
  });
});

describe('settings of a process', () => {
  test('that are good: --check-config says so and exits 0 without starting', async () => {
    await using child = await run('none', { BREAKWATER_NATS_URL: 'nats://127.0.0.1:1' }, ['--check-config']);
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.lines.map(({ text }) => text)).toEqual(['fixture: settings OK']);
  });

  test.each([[['--check-config']], [[]]])(
    'that are wrong are all listed and the exit code is 1 (arguments %j)',
    async (args) => {
      await using child = await run(
        'sometimes',
        { BREAKWATER_HTTP_PORT: '99999', BREAKWATER_FIXTURE_FAULTS: 'x' },
        args,
      );
      expect(await child.exited).toEqual({ code: 1, signal: null });
      expect(child.lines.map(({ text }) => text)).toEqual([
        'fixture: 3 settings are wrong',
        '  BREAKWATER_FIXTURE_FAULTS is not a setting of this service (did you mean BREAKWATER_FIXTURE_FAULT?)',
        '  BREAKWATER_HTTP_PORT must be 0 to 65535',
        expect.stringMatching(/^ {2}BREAKWATER_FIXTURE_FAULT must be one of none, start, /),
      ]);
    },
  );
});

describe('a blocked log pipe (fault 40)', () => {
  test('holds up neither the service nor its end, and what is lost is counted', async () => {
    const child = spawn(process.execPath, [FIXTURE], {
      env: environment('chatter', { BREAKWATER_LOG_BUFFER_BYTES: '65536' }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      // Read until the service is ready, then never again.
      const httpPort = await new Promise<number>((resolve) => {
        let text = '';
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          const line = text
            .split('\n')
            .find((candidate) => candidate.includes('"msg":"ready"') && candidate.endsWith('}'));
          if (line === undefined) return;
          child.stdout.pause();
          resolve((JSON.parse(line) as { httpPort: number }).httpPort);
        });
      });
      const dropped = async () => {
        const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
        return Number(/^breakwater_log_dropped_lines_total (\d+)$/m.exec(text)?.[1]);
      };
      await eventually(async () => expect(await dropped()).toBeGreaterThan(0), { timeoutMs: DEADLINE_MS });
      expect((await fetch(`http://127.0.0.1:${httpPort}/livez`)).status).toBe(200);
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
