import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@breakwater/client';
import {
  baseEnv,
  eventually,
  freePort,
  isPortFree,
  type LogLine,
  type ManagedProcess,
  projectRoot,
  spawnProcess,
  startNats,
} from '@breakwater/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

const RUNNING_TIMEOUT_MS = 60_000;

let data: string;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'breakwater-start-'));
});

afterEach(() => rmSync(data, { recursive: true, force: true }));

/** As a person does it, but without a terminal: signals reach the bootstrap and the command, as Ctrl-C does. */
function start(args: readonly string[], env: Record<string, string> = {}): Promise<ManagedProcess> {
  return spawnProcess({
    name: 'breakwater start',
    command: process.execPath,
    args: [join(projectRoot, 'tools/breakwater.mjs'), 'start', '--data', data, ...args],
    env: { ...baseEnv(), ...env },
    keepLines: 50_000,
  });
}

interface Row {
  service: string;
  instance: string;
  port?: number;
  adminPort?: number;
  pid: number;
}

/** What the command says runs where. */
async function whenRunning(launcher: ManagedProcess): Promise<{ url: string; rows: Row[] }> {
  const line = await launcher.waitForLine(
    (candidate) => String(candidate.fields?.msg).startsWith('Breakwater runs: '),
    RUNNING_TIMEOUT_MS,
  );
  return { url: String(line.fields?.url), rows: line.fields?.processes as Row[] };
}

/** A port with free ones after it, for the page and the edges. */
async function freeRange(count: number): Promise<number> {
  return eventually(async () => {
    const first = await freePort();
    const rest = await Promise.all(Array.from({ length: count }, (_, index) => isPortFree(first + index)));
    return rest.every(Boolean) && first;
  }) as Promise<number>;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function expectNothingLeft(rows: readonly Row[]): Promise<void> {
  await eventually(() => rows.every(({ pid }) => !isAlive(pid)), {
    message: 'all processes gone',
    timeoutMs: 30_000,
  });
  for (const { port, adminPort } of rows) {
    for (const each of [port, adminPort]) {
      if (each !== undefined) expect(await isPortFree(each), `port ${each}`).toBe(true);
    }
  }
}

const says = (words: string) => (line: LogLine) => String(line.fields?.msg).includes(words);

test('the whole stack comes up, a child that dies comes back, and Ctrl-C leaves nothing', {
  timeout: 120_000,
}, async () => {
  const port = await freeRange(3);
  await using launcher = await start(['--port', String(port), '--bots', '2']);
  const { url, rows } = await whenRunning(launcher);
  expect(url).toBe(`http://localhost:${port}`);
  expect(rows.map(({ instance }) => instance)).toEqual([
    'nats-1',
    'chat-1',
    'matchmaker-1',
    'simulation-1',
    'simulation-2',
    'edge-1',
    'edge-2',
    'web-1',
    'bots-1',
  ]);
  const page = await fetch(`http://127.0.0.1:${port}/`);
  expect(page.status).toBe(200);
  expect(await page.text()).toMatch(/<html/i);
  const services = rows.filter(({ service }) => service !== 'nats-server' && service !== 'bots');
  for (const { instance, adminPort } of services) {
    expect((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status, instance).toBe(200);
  }

  const isBot = ({ fields }: LogLine) =>
    fields?.event === 'connect' && String(fields.user).startsWith('bot-');
  await eventually(() => launcher.lines.filter(isBot).length === 2, {
    timeoutMs: 30_000,
    message: 'two bots',
  });

  const chat = rows.find(({ instance }) => instance === 'chat-1');
  process.kill(chat?.pid ?? 0, 'SIGKILL');
  await launcher.waitForLine(says('chat-1 ended (signal SIGKILL); it is restarted in'), 30_000);
  const back = await launcher.waitForLine(says('chat-1 is back'), 30_000);
  const newPid = Number(/process (\d+)/.exec(String(back.fields?.msg))?.[1]);

  launcher.signal('SIGINT');
  expect(await launcher.exited).toEqual({ code: 0, signal: null });
  expect(launcher.lines.filter(says('stopping'))).toHaveLength(1);
  // All of them ended by themselves, none had to be killed.
  const stopped = launcher.lines.filter(({ fields }) => fields?.msg === 'stopped' && fields.clean === true);
  expect(stopped.map(({ fields }) => fields?.instance).sort()).toEqual(
    services.map(({ instance }) => instance).sort(),
  );
  await expectNothingLeft([...rows, { service: 'chat', instance: 'chat-1', pid: newPid }]);
});

test('a second start in the same folder is refused, a later one finds the history again', {
  timeout: 180_000,
}, async () => {
  const port = await freeRange(2);
  const args = ['--port', String(port), '--edges', '1', '--simulations', '1'];
  const edge = `http://127.0.0.1:${port + 1}`;
  await using first = await start(args);
  await whenRunning(first);

  await using refused = await start(['--port', String(await freeRange(3))]);
  expect(await refused.exited).toEqual({ code: 1, signal: null });
  expect(refused.lines.map(({ text }) => text)).toEqual([
    expect.stringMatching(
      /^Breakwater runs already with the data in .* \(process \d+\): stop that one first/,
    ),
  ]);

  const sent = await withGuest(edge, async (client) => {
    const room = await client.rooms.join('general');
    return room.send('still here after the restart?');
  });
  first.signal('SIGINT');
  await first.exited;

  await using second = await start(args);
  await whenRunning(second);
  const found = await withGuest(edge, async (client) => (await client.rooms.join('general')).messages);
  expect(found).toContainEqual(
    expect.objectContaining({ seq: sent.seq, text: 'still here after the restart?' }),
  );
});

async function withGuest<T>(
  edge: string,
  use: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const answer = await fetch(`${edge}/v1/guest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Ada' }),
  });
  const { token } = (await answer.json()) as { token: string };
  const client = await connect({ urls: [edge], token });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

test('with a NATS address none is started', { timeout: 120_000 }, async () => {
  await using nats = await startNats();
  const port = await freeRange(2);
  const args = ['--port', String(port), '--edges', '1', '--simulations', '1'];
  await using launcher = await start(args, { BREAKWATER_NATS_URL: nats.url });
  const { rows } = await whenRunning(launcher);
  expect(rows.some(({ service }) => service === 'nats-server')).toBe(false);
  launcher.signal('SIGTERM');
  expect(await launcher.exited).toEqual({ code: 0, signal: null });
  expect(isAlive(nats.pid)).toBe(true);
});

test('nothing outlives a launcher that is killed with SIGKILL', { timeout: 120_000 }, async () => {
  const port = await freeRange(2);
  await using launcher = await start(['--port', String(port), '--edges', '1', '--simulations', '1']);
  const { rows } = await whenRunning(launcher);
  await launcher.kill();
  await expectNothingLeft(rows);
});

test('Ctrl-C during the start ends it without an error', { timeout: 60_000 }, async () => {
  await using launcher = await start(['--port', String(await freeRange(3))]);
  await launcher.waitForLine((line) => line.fields?.msg === 'ready', 30_000);
  launcher.signal('SIGINT');
  expect(await launcher.exited).toEqual({ code: 0, signal: null });
});

test('a taken port, a broken setting and an unknown option are one sentence and exit code 1', {
  timeout: 60_000,
}, async () => {
  const blocker = createServer();
  const port = await freeRange(3);
  await new Promise<void>((resolve) => blocker.listen(port + 1, '127.0.0.1', resolve));
  try {
    await expectRefusal(
      ['--port', String(port)],
      {},
      `Port ${port + 1} is taken: end what listens there, or choose another with --port.`,
    );
  } finally {
    blocker.close();
  }
  await expectRefusal(
    [],
    { BREAKWATER_PARTITIONS: 'many' },
    /^A setting is wrong: BREAKWATER_PARTITIONS must be .*\.$/,
  );
  await expectRefusal(
    [],
    { BREAKWATER_NOPE: '1' },
    'A setting is wrong: BREAKWATER_NOPE is not a setting of any service.',
  );
  await expectRefusal(['--nope'], {}, /^Unknown option '--nope'/);
});

async function expectRefusal(
  args: readonly string[],
  env: Record<string, string>,
  sentence: string | RegExp,
): Promise<void> {
  await using launcher = await start(args, env);
  expect(await launcher.exited).toEqual({ code: 1, signal: null });
  const expected = typeof sentence === 'string' ? sentence : expect.stringMatching(sentence);
  expect(launcher.lines.map(({ text }) => text)).toEqual([expected]);
}
