import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Game } from '@breakwater/client';
import {
  eventually,
  launchProcess,
  projectRoot,
  type ServiceProcess,
  type Stack,
  serviceRuntime,
  spawnService,
  startStack,
} from '@breakwater/testkit';
import { Crowd, StreamArchive, signedTokens } from '@breakwater/tools';
import { expect, it } from 'vitest';
import { expectAwardsHold, expectLogsHold } from './kept.ts';
import { type NextWorld, writeNextWorld } from './versions/next-world.ts';

const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const PATIENCE = { timeoutMs: 60_000, intervalMs: 100 };
const PLAYERS = 4;

function startNext(stack: Stack, { games }: NextWorld): Promise<ServiceProcess> {
  return spawnService('simulation', {
    label: 'sim-next',
    readyTimeoutMs: 60_000,
    env: {
      BREAKWATER_SIMULATION_GAME_FOLDERS: games,
      BREAKWATER_NATS_URL: stack.nats.url,
      BREAKWATER_INSTANCE: 'sim-next',
      BREAKWATER_HTTP_HOST: '127.0.0.1',
      BREAKWATER_HTTP_PORT: '0',
    },
  });
}

interface PlayedGame {
  readonly game: Game;
  readonly crowd: Crowd;
  /** Versions of the schema that a spectator was given, without joining again. */
  readonly versions: number[];
  readonly ends: string[];
}

/** Worlds in which bots play and somebody looks on. */
class PlayedWorlds implements AsyncDisposable {
  readonly games: PlayedGame[] = [];
  readonly stack: Stack;
  readonly record: string;
  /** What nobody may notice. */
  readonly notes: string[] = [];
  readonly #stops = new AsyncDisposableStack();
  readonly #archive: StreamArchive;

  constructor(stack: Stack, record: string, archive: StreamArchive) {
    this.stack = stack;
    this.record = record;
    this.#archive = archive;
  }

  static async start(stack: Stack, games: number): Promise<PlayedWorlds> {
    const record = await mkdtemp(join(tmpdir(), 'breakwater-worlds-'));
    const file = join(record, 'games.archive');
    const archive = await StreamArchive.start({ nats: stack.nats.url, file });
    const worlds = new PlayedWorlds(stack, record, archive);
    const client = await connect({ urls: stack.edgeUrls, token: stack.token('watcher') });
    worlds.#stops.use(client);
    client.on('state', ({ state }) => worlds.notes.push(`the spectator is ${state}`));
    for (let index = 0; index < games; index++) {
      const { game } = await client.games.create('world', { options: { objects: 60, regrowTicks: 20 } });
      worlds.#add(await client.games.join(game, { spectate: true }), index);
    }
    await eventually(() => expect(worlds.games.every((each) => earned(each) > 0)).toBe(true), PATIENCE);
    return worlds;
  }

  #add(game: Game, index: number): void {
    const crowd = new Crowd({
      players: PLAYERS,
      urls: this.stack.edgeUrls,
      tokens: signedTokens(this.stack.jwtSecret, `world-${index}`),
      run: `world-${index}`,
      play: { games: 0, game: game.id },
      record: this.record,
    });
    this.#stops.use(crowd);
    crowd.start();
    const played: PlayedGame = { game, crowd, versions: [], ends: [] };
    game.on('state', ({ isNewReplica }) => {
      if (isNewReplica) played.versions.push(game.replica.schema.schemaVersion);
    });
    game.on('ended', ({ reason }) => played.ends.push(reason));
    game.on('status', ({ status, error }) => {
      if (status === 'lost') this.notes.push(`game ${game.id} was lost: ${error?.message}`);
    });
    this.games.push(played);
  }

  /** Everybody sees new ticks and gets answers, and nobody had to connect again. */
  async goOn(): Promise<void> {
    const before = this.games.map(
      ({ game, crowd }) => [game.replica.tick, crowd.stats.commandsAcked] as const,
    );
    await eventually(() => {
      for (const [index, { game, crowd }] of this.games.entries()) {
        const [tick, acked] = before[index]!;
        expect(game.replica.tick).toBeGreaterThan(tick + 20);
        expect(crowd.stats.commandsAcked).toBeGreaterThan(acked + 20);
      }
    }, PATIENCE);
    this.assertUnnoticed();
  }

  assertUnnoticed(): void {
    expect(this.notes).toEqual([]);
    for (const { crowd } of this.games)
      expect(crowd.stats).toMatchObject({ connected: PLAYERS, playing: PLAYERS, reconnects: 0, failures: 0 });
  }

  /** @param games the folder that has the newest version that was played */
  async check(games?: string): Promise<void> {
    await Promise.all(this.games.map(({ crowd }) => crowd.stop()));
    await this.#archive.close();
    const where = { nats: this.stack.nats.url, games };
    const report = await expectLogsHold({ paths: [this.record], ...where });
    expect(report.checked['shown states']).toBeGreaterThan(100);
    expect(report.checked['acked commands']).toBeGreaterThan(20);
    await expectAwardsHold(where);
    if (games !== undefined) expect(report.skipped).toEqual({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#archive.close().catch(() => undefined);
    await this.#stops.disposeAsync();
    await rm(this.record, { recursive: true, force: true });
  }
}

/** XP that players show. */
const earned = ({ game }: PlayedGame): number =>
  [...game.replica.table('players').rows.values()].reduce((sum, { xp }) => sum + Number(xp), 0);

const columnsOf = ({ game }: PlayedGame): readonly string[] =>
  game.replica.schema.tables.find(({ name }) => name === 'players')!.columns.map(({ name }) => name);

async function move(stack: Stack, game: string, pod: string): Promise<void> {
  const args = ['games', 'move', game, '--to', pod, '--nats', stack.nats.url];
  const child = launchProcess({
    name: 'games move',
    command: serviceRuntime(),
    args: [join(projectRoot, 'tools/src/main.ts'), ...args],
    env: { PATH: process.env.PATH ?? '' },
  });
  const { code } = await child.exited;
  expect(code, child.lines.map(({ text }) => text).join('\n')).toBe(0);
}

it('the World goes over into its next version while it is played: by a move, and when the last process of the old one is killed', async () => {
  await using next = await writeNextWorld(true);
  await using stack = await startStack({ edges: 1, simulations: 1 });
  await using worlds = await PlayedWorlds.start(stack, 2);
  const [moved, left] = worlds.games as [PlayedGame, PlayedGame];
  await using newer = await startNext(stack, next);
  await worlds.goOn();
  for (const { game } of worlds.games) expect(game).toMatchObject({ pod: 'simulation-1', epoch: 1 });

  const earnedBefore = earned(moved);
  await move(stack, moved.game.id, 'sim-next');
  await worlds.goOn();
  expect(moved.game).toMatchObject({ pod: 'sim-next', epoch: 2 });
  expect(moved.versions).toEqual([next.oldVersion + 1]);
  expect(columnsOf(moved)).toContain('broken');
  expect(earned(moved)).toBeGreaterThanOrEqual(earnedBefore);
  expect(left.game).toMatchObject({ pod: 'simulation-1', epoch: 1 });
  expect(columnsOf(left)).not.toContain('broken');

  await stack.service('simulation-1').kill();
  await worlds.goOn();
  expect(left.game).toMatchObject({ pod: 'sim-next', epoch: 2 });
  expect(left.versions).toEqual([next.oldVersion + 1]);
  // Counted by the new version, in the column that it brought.
  const broken = () => [...left.game.replica.table('players').rows.values()].map((row) => Number(row.broken));
  await eventually(() => expect(Math.max(...broken())).toBeGreaterThan(1), PATIENCE);
  worlds.assertUnnoticed();
  await worlds.check(next.games);
  expect(newer.exitStatus).toBeUndefined();
}, 240_000);

if (IS_LONG)
  it('a World that no new version takes over is played until its last process has to end, and ends with the reason', async () => {
    await using next = await writeNextWorld(false);
    const env = { simulation: { BREAKWATER_SIMULATION_HAND_OVER_MS: '20000' } };
    await using stack = await startStack({ edges: 1, simulations: 1, env });
    await using worlds = await PlayedWorlds.start(stack, 1);
    const [only] = worlds.games as [PlayedGame];
    await using newer = await startNext(stack, next);
    await worlds.goOn();
    const isOver = stack.service('simulation-1').stop({ timeoutMs: 60_000 });
    await worlds.goOn();
    expect(only.ends).toEqual([]);
    expect(only.game).toMatchObject({ pod: 'simulation-1', epoch: 1 });
    await isOver;
    await eventually(() => expect(only.ends).toEqual(['version_gone']), PATIENCE);
    // The bots look for another game and find one of the new version; nobody connected again.
    await eventually(() => {
      expect(only.crowd.stats).toMatchObject({ connected: PLAYERS, playing: PLAYERS, reconnects: 0 });
    }, PATIENCE);
    expect(stack.service('simulation-1').process.exitStatus).toEqual({ code: 0, signal: null });
    expect(newer.exitStatus).toBeUndefined();
    await worlds.check();
  }, 240_000);
