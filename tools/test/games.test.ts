import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@breakwater/client';
import { eventually, type Stack, startStack } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CommandError } from '../src/command.ts';
import { gamesCommand } from '../src/games/command.ts';
import type { Inspection } from '../src/games/inspect.ts';
import type { GameList } from '../src/games/list.ts';
import type { ReplayReport } from '../src/games/replay-log.ts';
import { Crowd, checkLogs, describeReport, signedTokens } from '../src/index.ts';
import { asNatsUser, natsUsersConfig, natsUsersEnv } from './nats-users.ts';

let stack: Stack;
let game: string;
let dir: string;

/** A stranger's installation: NATS users with the permissions of each, and we have the operator's password. */
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'breakwater-games-'));
  stack = await startStack({ nats: { config: natsUsersConfig() }, env: natsUsersEnv() });
  const client = await connect({ urls: stack.edgeUrls, token: stack.token('maker') });
  game = (await client.games.create('world', { title: 'The \u001b[2J harbour', options: { objects: 20 } }))
    .game;
  await client.close();
  await using crowd = new Crowd({
    players: 4,
    urls: stack.edgeUrls,
    tokens: signedTokens(stack.jwtSecret, 'games'),
    run: 'games',
    play: { games: 0, game },
    record: dir,
  });
  crowd.start();
  await eventually(() => expect(crowd.stats.commandsAcked).toBeGreaterThan(50), { timeoutMs: 60_000 });
  await eventually(
    async () => {
      const inspection = JSON.parse((await games('inspect', game, '--json')).text) as Inspection;
      expect(inspection.claims[0]?.hashes, 'every hundredth record has one').toBeGreaterThan(0);
    },
    { timeoutMs: 60_000, intervalMs: 500 },
  );
});

afterAll(async () => {
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs the command in this process: what it printed and its exit code. */
async function games(...args: string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  try {
    const url = asNatsUser(stack.nats.url, 'operator');
    const code = await gamesCommand.run(args.includes('--nats') ? args : [...args, '--nats', url]);
    return { code, text: lines.join('\n') };
  } finally {
    log.mockRestore();
  }
}

test('list says of each game its type, process, epoch and players, with the operator user alone', async () => {
  const { code, text } = await games('list', '--json');
  expect(code, text).toBe(0);
  const list = JSON.parse(text) as GameList;
  const entry = list.games.find((candidate) => candidate.game === game);
  expect(entry).toMatchObject({ type: 'world', schemaVersion: 1, epoch: 1, createdBy: 'maker' });
  expect(stack.simulations.map(({ name }) => name)).toContain(entry?.pod);

  const shown = await games('list');
  expect(shown.text).toContain(`${game}  world@1`);
  expect(shown.text).toContain('The ·[2J harbour');
});

test('inspect prints claims, ticks, hashes, and what the last records did', async () => {
  const { code, text } = await games('inspect', game, '--records', '400', '--json');
  expect(code, text).toBe(0);
  const inspection = JSON.parse(text) as Inspection;
  expect(inspection.claims).toMatchObject([{ epoch: 1, type: 'world@1' }]);
  expect(inspection.claims[0]?.hashes).toBeGreaterThan(0);
  expect(inspection.claims[0]?.lastTick).toBeGreaterThan(0);
  expect(inspection.log.records).toBeGreaterThan(10);
  expect(inspection.faults).toEqual([]);
  expect(inspection.replayedFrom).toBe('the first claim');
  const commands = inspection.records.flatMap(({ effects }) => effects?.commands ?? []);
  expect(commands.length).toBeGreaterThan(0);

  const shown = await games('inspect', game);
  expect(shown.text).toMatch(/record +epoch +process/);
  expect(shown.text).toContain('Replayed from the first claim.');
});

test('replay applies every record and compares every hash', async () => {
  const { code, text } = await games('replay', game, '--json');
  expect(code, text).toBe(0);
  const report = JSON.parse(text) as ReplayReport;
  expect(report.runs).toHaveLength(1);
  expect(report.runs[0]?.records).toBeGreaterThan(10);
  expect(report.runs[0]?.hashes).toBeGreaterThan(0);
});

test('move brings a game to the process that is named, and list shows it there', async () => {
  const before = JSON.parse((await games('list', '--json')).text) as GameList;
  const from = before.games.find((candidate) => candidate.game === game)?.pod;
  const to = stack.simulations.map(({ name }) => name).find((name) => name !== from)!;
  expect(before.processes?.map(({ pod }) => pod).sort()).toEqual(['simulation-1', 'simulation-2']);

  const { code, text } = await games('move', game, '--to', to);
  expect(code, text).toBe(0);
  expect(text).toBe(`${game} is on ${to} now, at epoch 2.`);
  await eventually(async () => {
    const after = JSON.parse((await games('list', '--json')).text) as GameList;
    expect(after.games.find((candidate) => candidate.game === game)).toMatchObject({ pod: to, epoch: 2 });
  });
  const replayed = await games('replay', game);
  expect(replayed.text).toContain(`✓ game ${game} replays`);
});

test('the checker needs no more than the operator user either', async () => {
  const report = await checkLogs({ paths: [dir], nats: asNatsUser(stack.nats.url, 'operator') });
  expect(report.ok, describeReport(report)).toBe(true);
  expect(report.checked['shown states']).toBeGreaterThan(10);
});

test('what is wrong is said in one sentence', async () => {
  for (const [args, sentence] of [
    [[], 'Say what to do: list, move, inspect, replay, watch.'],
    [['inspect'], 'Which game? "breakwater games list" lists them.'],
    [['move', 'g-nobody'], 'The matchmaker refused (game_not_found)'],
    [['move', game, '--to', 'simulation-9'], 'The matchmaker refused ('],
    [['inspect', 'g-nobody'], 'There is no game g-nobody.'],
    [['replay', 'a.b'], '"a.b" is not a game id'],
    [['list', '--nats', 'nats://127.0.0.1:1'], 'The installation cannot be reached:'],
  ] as const) {
    const error = await games(...args).catch((thrown: unknown) => thrown);
    expect(error, args.join(' ')).toBeInstanceOf(CommandError);
    expect(String(error), args.join(' ')).toContain(sentence);
  }
});
