import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gameId, subjectsFor } from '@breakwater/bus';
import { connect } from '@breakwater/client';
import {
  eventually,
  launchProcess,
  type ManagedProcess,
  projectRoot,
  type Stack,
  serviceRuntime,
  startProxy,
  startStack,
} from '@breakwater/testkit';
import { connect as connectNats } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Player } from '../src/bots/player.ts';
import { BotStats } from '../src/bots/stats.ts';
import {
  Crowd,
  checkLogs,
  describeReport,
  guestTokens,
  type LedgerReport,
  type Report,
  recordTo,
  signedTokens,
} from '../src/index.ts';

let stack: Stack;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'breakwater-bots-'));
  stack = await startStack();
});

afterAll(async () => {
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Run {
  readonly lines: string[];
  readonly child: ManagedProcess;
}

function breakwater(...args: string[]): Run {
  const lines: string[] = [];
  const child = launchProcess({
    name: args[0] ?? 'breakwater',
    command: serviceRuntime(),
    args: [join(projectRoot, 'tools/src/main.ts'), ...args],
    env: { PATH: process.env.PATH ?? '' },
  });
  child.onLine((line) => lines.push(line.text));
  return { lines, child };
}

async function check(...args: string[]): Promise<{ code: number | null; text: string }> {
  const { lines, child } = breakwater('check', ...args, '--nats', stack.nats.url);
  const { code } = await child.exited;
  return { code, text: lines.join('\n') };
}

test('bots play and talk until Ctrl-C, and their logs hold against the streams', {
  timeout: 120_000,
}, async () => {
  const logs = join(dir, 'cli');
  const { lines, child } = breakwater(
    'bots',
    ...['--players', '6', '--games', '2', '--chat', 'harbour', '--rate', '2'],
    ...['--record', logs, '--nats', stack.nats.url],
    ...['--url', stack.edgeUrls.join(','), '--secret', stack.jwtSecret],
  );
  await eventually(
    () =>
      expect(lines.join('\n')).toMatch(/connected 6\/6 .*playing 6 .* xp [1-9].* chat (?!0\.0).* sent [1-9]/),
    {
      timeoutMs: 60_000,
    },
  );
  await child.stop({ signal: 'SIGINT', timeoutMs: 30_000 });
  expect((await child.exited).code).toBe(0);
  expect(lines.at(-1)).toMatch(
    /^bots: .* commands acked, .* xp, .* messages acked, 0 reconnects, 0 failures$/,
  );

  const honest = await check(logs, '--json');
  expect(honest.text).toContain('"ok":true');
  expect(honest.code).toBe(0);
  const report = JSON.parse(honest.text) as Report;
  expect(report.checked).toMatchObject({ clients: 6, rooms: 1, games: 2 });
  expect(report.skipped).toEqual({});
  for (const what of ['acked messages', 'shown messages', 'shown states', 'acked commands'])
    expect(report.checked[what], what).toBeGreaterThan(0);

  const ledgers = breakwater('ledger', 'check', '--json', '--nats', stack.nats.url);
  expect((await ledgers.child.exited).code, ledgers.lines.join('\n')).toBe(0);
  const { checked } = JSON.parse(ledgers.lines.join('\n')) as LedgerReport;
  expect(checked.games).toBe(2);
  expect(checked['awards found in the logs']).toBeGreaterThan(0);

  const [first] = readdirSync(logs).sort();
  const file = join(logs, first!);
  const honestLog = readFileSync(file, 'utf8');
  writeFileSync(file, honestLog.replace(/("t":"game.delta".*?"shared":")[0-9a-f]{8}/, '$100000000'));
  const doctored = await check(logs);
  expect(doctored.code).toBe(1);
  expect(doctored.text).toMatch(new RegExp(`shown_committed .*${first}:\\d+`));

  writeFileSync(file, `${honestLog}{"t":"game.delta","ga`);
  expect((await check(logs)).code).toBe(0);
  appendFileSync(file, 'me":"x"}\n');
  const broken = await check(logs);
  expect(broken.code).toBe(2);
  expect(broken.text).toContain(`${first}:`);
});

test('guests meet in a game by quick match', { timeout: 120_000 }, async () => {
  const crowd = new Crowd({
    players: 3,
    urls: stack.edgeUrls,
    tokens: guestTokens(stack.edgeUrls),
    run: 'guests',
    play: { games: 0 },
  });
  await using _crowd = crowd;
  crowd.start();
  await eventually(() => expect(crowd.stats).toMatchObject({ connected: 3, playing: 3 }), {
    timeoutMs: 60_000,
  });
  await eventually(() => expect(crowd.stats.commandsAcked).toBeGreaterThan(3), { timeoutMs: 60_000 });
  await crowd.stop();
  expect(crowd.stats).toMatchObject({ connected: 0, playing: 0, failures: 0 });
});

test('an edge that is killed costs the bots nothing that was acknowledged', {
  timeout: 120_000,
}, async () => {
  const record = join(dir, 'killed');
  const crowd = new Crowd({
    players: 8,
    urls: stack.edgeUrls,
    tokens: signedTokens(stack.jwtSecret, 'k'),
    run: 'killed',
    play: { games: 1 },
    chat: { room: 'lighthouse', ratePerSecond: 2 },
    record,
    connect: { reconnect: { firstDelayMs: 50 } },
  });
  await using _crowd = crowd;
  crowd.start();
  await eventually(() => expect(crowd.stats).toMatchObject({ connected: 8, playing: 8 }), {
    timeoutMs: 60_000,
  });
  await eventually(() => expect(crowd.stats.messagesAcked).toBeGreaterThan(10), { timeoutMs: 60_000 });

  await stack.service('edge-1').kill();
  await eventually(() => expect(crowd.stats.reconnects).toBeGreaterThan(0), { timeoutMs: 60_000 });
  await eventually(() => expect(crowd.stats.connected).toBe(8), { timeoutMs: 60_000 });
  const { messagesAcked, commandsAcked } = crowd.stats;
  await eventually(
    () => {
      expect(crowd.stats.messagesAcked).toBeGreaterThan(messagesAcked + 10);
      expect(crowd.stats.commandsAcked).toBeGreaterThan(commandsAcked + 10);
    },
    { timeoutMs: 60_000 },
  );
  await crowd.stop();

  const report = await checkLogs({ paths: [record], nats: stack.nats.url });
  expect(report.ok, describeReport(report)).toBe(true);
  expect(report.checked['acked messages']).toBeGreaterThan(20);
});

test('a bot that was away until its seat was gone plays on in another one, and its log holds', {
  timeout: 120_000,
}, async () => {
  await using link = await startProxy(stack.service('edge-2').url);
  await using mia = await connect({ urls: [link.url], token: stack.token('mia') });
  const { game } = await mia.games.create('world', { options: { objects: 20 } });
  const log = join(dir, 'mia.jsonl');
  await using recorder = recordTo(mia, log);
  const player = await Player.join(mia, game, new BotStats(), Math.random, recorder);
  const joined = mia.games.joined[0]!;
  const pid = joined.pid!;
  await eventually(() => expect(joined.ack).toBeGreaterThan(3), { timeoutMs: 60_000 });

  // What the process does itself when the time for which it keeps a seat is over.
  const session = joined.replica.table('$seats').rows.get(pid)?.join;
  const nats = await connectNats({ servers: stack.nats.url });
  const leave = JSON.stringify({ kind: 'leave', pid, join: session });
  nats.publish(subjectsFor(4).gameIn(gameId(game)), leave);
  await eventually(() => expect(joined.replica.table('$players').rows.size).toBe(0));
  await nats.close();
  link.cut();
  await eventually(() => expect(joined.pid).not.toBe(pid), { timeoutMs: 60_000 });
  // This process, which is the client's, stands still.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
  const { ack } = joined;
  await eventually(() => expect(joined.ack).toBeGreaterThan(ack + 3), { timeoutMs: 60_000 });
  await player.leave();
  await recorder.close();

  const written = readFileSync(log, 'utf8');
  expect(written).toMatch(/"t":"standstill","ms":\d{3,},/);
  const seats = written.match(/"t":"game\.(join|leave)"/g);
  expect(seats).toEqual(['"t":"game.join"', '"t":"game.join"', '"t":"game.leave"']);
  const report = await checkLogs({ paths: [log], nats: stack.nats.url });
  expect(report.ok, describeReport(report)).toBe(true);
  expect(report.checked['acked commands']).toBeGreaterThan(6);
  expect(report.skipped).toEqual({});
});
