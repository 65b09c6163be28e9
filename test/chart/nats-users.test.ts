import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gameId, NATS_USERS, type NatsUser, podId, roomId, subjectsFor } from '@breakwater/bus';
import { connect } from '@breakwater/client';
import {
  baseEnv,
  eventually,
  findPromtool,
  type NatsServer,
  projectRoot,
  type Stack,
  serviceRuntime,
  startNats,
  startStack,
} from '@breakwater/testkit';
import { Crowd, checkLogs, signedTokens } from '@breakwater/tools';
import { connect as connectNats, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { at, list, one, readText, render } from './helm.ts';

let nats: NatsServer;
let stack: Stack;
const violations: string[] = [];

/** The users of the chart's own NATS, with passwords in place of the variables that hold them. */
async function authorization(): Promise<string> {
  const conf = one(await render('defaults'), 'ConfigMap', 'nats').data?.['nats.conf'] ?? '';
  const block = conf.slice(conf.indexOf('authorization {'));
  return block.replace(/\$NATS_PASSWORD_(\w+)/g, (_, user: string) => `"p${user.toLowerCase()}"`);
}

const as = (user: string, password = `p${user}`): Promise<NatsConnection> =>
  connectNats({ servers: `127.0.0.1:${nats.port}`, user, pass: password, inboxPrefix: `_INBOX.${user}` });

beforeAll(async () => {
  nats = await startNats({
    config: await authorization(),
    onLine: ({ text }) => {
      if (/violation/i.test(text)) violations.push(text);
    },
  });
  const login = (user: NatsUser) => ({ BREAKWATER_NATS_USER: user, BREAKWATER_NATS_PASSWORD: `p${user}` });
  stack = await startStack({
    nats,
    simulations: 1,
    env: {
      chat: login('chat'),
      edge: login('edge'),
      matchmaker: login('matchmaker'),
      simulation: login('simulation'),
    },
  });
});

afterAll(async () => {
  await stack?.stop();
  await nats?.stop();
});

test('with a user for each service people chat and play, the operator reads every log, and nobody is refused', async () => {
  const record = mkdtempSync(join(tmpdir(), 'breakwater-users-'));
  try {
    await using crowd = new Crowd({
      players: 4,
      urls: stack.edgeUrls,
      tokens: signedTokens(stack.jwtSecret, 'users'),
      run: 'users',
      play: { games: 1 },
      chat: { room: 'general', ratePerSecond: 4 },
      record,
    });
    crowd.start();
    await using ann = await connect({ urls: stack.edgeUrls, token: stack.token('ann') });
    const [lobby, room] = [await ann.lobby.watch(), await ann.rooms.join('general')];
    room.setTyping(true);
    await room.send('hello');
    await eventually(() => expect(room.people.length).toBe(5), { timeoutMs: 15_000 });
    await eventually(() => expect(room.messages.length).toBeGreaterThan(10), { timeoutMs: 15_000 });
    await eventually(() => expect(lobby.games.map(({ players }) => players)).toEqual([4]), {
      timeoutMs: 15_000,
    });
    await room.history({ limit: 5 });
    await crowd.stop();
    const report = await checkLogs({
      paths: [record],
      nats: `nats://operator:poperator@127.0.0.1:${nats.port}`,
    });
    expect(report.violations).toEqual([]);
    expect(report.checked).toMatchObject({ clients: 4, rooms: 1, games: 1 });
    expect(violations).toEqual([]);
  } finally {
    rmSync(record, { recursive: true });
  }
}, 90_000);

test('what "helm test" asks is answered by a whole installation, and it says what fails', async () => {
  const program = (env: Record<string, string>) => {
    const args = ['--input-type=module', '--eval', readText('charts/breakwater/files/helm-test.mjs')];
    return promisify(execFile)(serviceRuntime(), args, { env: { ...baseEnv(), ...env } });
  };
  const [EDGE_URL = ''] = stack.edgeUrls;
  const good = { EDGE_URL, JWT_SECRET: stack.jwtSecret, JWT_AUDIENCE: 'breakwater' };
  const { stdout } = await program(good);
  expect(stdout.match(/^ok /gm)?.length).toBe(4);
  expect(stdout).toContain('world');
  await expect(program({ ...good, JWT_SECRET: 'x'.repeat(40) })).rejects.toThrow(
    /FAIL {2}the edge takes a socket/,
  );
  await expect(program({ EDGE_URL: 'http://127.0.0.1:1' })).rejects.toThrow(/FAIL {2}the edge refuses/);
}, 60_000);

test('every metric of the dashboards and alerts is on a real /metrics, and promtool reads them all', async () => {
  const texts = await Promise.all(
    stack.services.map(async ({ ready }) =>
      (await fetch(`http://127.0.0.1:${ready.httpPort}/metrics`)).text(),
    ),
  );
  const exposed = new Set(
    texts.flatMap((text) => [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name)),
  );
  const folder = join(projectRoot, 'charts/breakwater/dashboards');
  const files = readdirSync(folder).map((file) => `charts/breakwater/dashboards/${file}`);
  const wanted = [...files, 'charts/breakwater/files/alerts.yaml'].flatMap((file) =>
    [...readText(file).matchAll(/\bbreakwater_\w+/g)].map(([name]) => name.replace(/_bucket$/, '')),
  );
  expect(new Set(wanted).size).toBeGreaterThan(40);
  expect([...new Set(wanted)].filter((name) => !exposed.has(name))).toEqual([]);
  const promtool = await findPromtool({ install: true });
  for (const text of texts) {
    const child = execFile(promtool, ['check', 'metrics']);
    const output: string[] = [];
    child.stderr?.on('data', (chunk: string) => output.push(chunk));
    child.stdin?.end(text);
    await once(child, 'close');
    expect(output.join('')).not.toMatch(/error while linting|parse error/i);
  }
}, 300_000);

test('a wrong password and a user that there is not are refused', async () => {
  await expect(as('edge', 'wrong')).rejects.toThrow(/authorization/i);
  await expect(as('somebody')).rejects.toThrow(/authorization/i);
  await expect(connectNats({ servers: `127.0.0.1:${nats.port}` })).rejects.toThrow(/authorization/i);
});

const s = subjectsFor(4);
const [room, game] = [roomId('general'), gameId('g1')];

test.each([
  ['edge', 'append to the log of a room', s.roomLog(room)],
  ['edge', 'pretend to be the feed of a room', s.roomFeed(room)],
  ['edge', 'append to the log of a game', s.gameLog(game)],
  ['edge', 'pretend to be the owner of a volatile game', s.gameLive(game)],
  ['edge', 'say that it is a simulation process', s.simStatus()],
  ['edge', 'delete a stream', '$JS.API.STREAM.DELETE.ROOMS_0'],
  ['edge', 'purge a stream', '$JS.API.STREAM.PURGE.ROOMS_0'],
  ['chat', 'append to the log of a game', s.gameLog(game)],
  ['chat', 'write to the registry of games', '$KV.games.g1'],
  ['matchmaker', 'append to the log of a game', s.gameLog(game)],
  ['matchmaker', 'read the messages of a room', '$JS.API.STREAM.MSG.GET.ROOMS_0'],
  ['simulation', 'append to the log of a room', s.roomLog(room)],
  ['simulation', 'ask chat for something', s.chat('send')],
  ['simulation', 'tell a simulation process to stop a game', s.sim(podId('p'), 'release')],
  ['operator', 'append to the log of a room', s.roomLog(room)],
  ['operator', 'send as a person', s.chat('send')],
] as const)('%s may not %s', async (user, _what, subject) => {
  const nc = await as(user);
  try {
    await expect(nc.request(subject, '{}', { timeout: 2_000 })).rejects.toThrow(/permission/i);
  } finally {
    await nc.close();
  }
});

test.each([
  ['edge', 'what services are asked', s.chat('send')],
  ['edge', 'the log of a room', s.roomLog(room)],
  ['chat', 'what happens in a game', s.gameFeed(game)],
  ['matchmaker', 'the messages of a room', s.roomFeed(room)],
  ['simulation', 'the answers to the edge', '_INBOX.edge.>'],
  ['operator', 'everything', '>'],
] as const)('%s may not hear %s', async (user, _what, subject) => {
  const nc = await as(user);
  try {
    const heard = nc.subscribe(subject);
    await expect(
      (async () => {
        for await (const _message of heard) break;
      })(),
    ).rejects.toThrow(/permission/i);
  } finally {
    await nc.close();
  }
});

test('the values for a NATS cluster have the same users with the same rights', async () => {
  const values = parse(readText('k8s/nats-production-values.yaml')) as unknown;
  const users = list(at(values, 'config.merge.authorization.users'));
  expect(users.map(({ user }) => user)).toEqual([...NATS_USERS]);
  const conf = await authorization();
  for (const each of users) {
    const begin = conf.indexOf(`user: ${each.user}\n`);
    const own = conf.slice(begin, conf.indexOf('allow_responses', begin));
    for (const way of ['publish', 'subscribe']) {
      const subjects = at(each, `permissions.${way}`) as string[];
      expect(subjects.length).toBeGreaterThan(0);
      for (const subject of subjects) expect(own, `${each.user} ${way}`).toContain(`"${subject}"`);
    }
    const count = ['publish', 'subscribe'].flatMap(
      (way) => at(each, `permissions.${way}`) as string[],
    ).length;
    expect(own.match(/^\s+"/gm)?.length, String(each.user)).toBe(count);
    expect(each.password).toBe(`<< $NATS_PASSWORD_${String(each.user).toUpperCase()} >>`);
  }
});
