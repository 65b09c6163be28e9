import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, CommandLostError, connect, type Game, type RowsOf } from '@breakwater/client';
import {
  eventually,
  projectRoot,
  type Stack,
  type StackOptions,
  spawnService,
  startStack,
} from '@breakwater/testkit';
import { type Recorder, type Report, recordTo } from '@breakwater/tools';
import { expect, it } from 'vitest';
import { expectLogsHold } from './kept.ts';
import type { game as rally } from './volatile/rally/game.ts';

type Rows = RowsOf<typeof rally>;
const PATIENCE = { timeoutMs: 30_000 };
const HIT_EVERY_MS = 30;

const startRallies = (lossMs: number, options: StackOptions = {}): Promise<Stack> =>
  startStack({
    ...options,
    env: {
      simulation: {
        BREAKWATER_SIMULATION_GAME_FOLDERS: join(projectRoot, 'test/volatile'),
        BREAKWATER_SIMULATION_VOLATILE_LOSS_MS: String(lossMs),
      },
    },
  });

/** What a player stands at when a new owner's state is first shown. */
interface Restart {
  readonly epoch: number;
  readonly pid: number;
  readonly count: number;
  /** The last command that the state covers, or covered once. */
  readonly ack: number;
}

/** Hits again and again, and knows what has to come of it. */
class Player implements AsyncDisposable {
  readonly game: Game<Rows>;
  /** What nobody may notice. */
  readonly notes: string[] = [];
  readonly restarts: Restart[] = [];
  /** Commands that were given up with their seats. */
  lost = 0;
  readonly #client: Client;
  readonly #recorder: Recorder;
  readonly #timer: NodeJS.Timeout;
  #sent = 0;

  constructor(client: Client, game: Game<Rows>, recorder: Recorder) {
    this.#client = client;
    this.game = game;
    this.#recorder = recorder;
    client.on('state', ({ state }) => this.notes.push(state));
    client.on('error', ({ error }) => this.notes.push(error.message));
    const recording = recorder.game(game as unknown as Game);
    this.#note(game.epoch);
    game.on('state', ({ epoch }) => this.#note(epoch));
    this.#timer = setInterval(() => {
      const sent = game.command('hit');
      this.#sent = sent.n;
      recording.command('hit', sent);
      sent.applied.catch((error) => {
        if (error instanceof CommandLostError) this.lost += 1;
        else this.notes.push(String(error));
      });
    }, HIT_EVERY_MS);
  }

  static async join(stack: Stack, game: string, user: string, folder: string): Promise<Player> {
    const client = await connect({ urls: stack.edgeUrls, token: stack.token(user) });
    const joined = await client.games.join<Rows>(game);
    return new Player(client, joined, recordTo(client, join(folder, `${user}.jsonl`)));
  }

  get count(): number {
    return this.game.replica.table('hits').rows.get(this.game.pid ?? 0)?.count ?? -1;
  }

  /** Sends nothing more, and waits until all of it has its effect. */
  async rest(): Promise<void> {
    clearInterval(this.#timer);
    await eventually(() => expect(this.game.pendingCommands).toBe(0), PATIENCE);
  }

  /** Every command above those that were covered before the last change took effect, once. */
  expectEachOnce(): void {
    const { count, ack } = this.restarts.at(-1)!;
    expect(this.count).toBe(count + (this.#sent - ack));
    const own = [...this.game.replica.table('own').rows.values()].map((row) => row.count);
    expect(own).toEqual([this.count]);
  }

  #note(epoch: number): void {
    const { game, count } = this;
    if (epoch === this.restarts.at(-1)?.epoch) return;
    this.restarts.push({ epoch, pid: game.pid!, count, ack: game.ack });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#recorder.close();
    await this.#client.close();
  }
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'breakwater-volatile-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

function checked(
  stack: Stack,
  folder: string,
  volatileLossMs: number,
  version = 'volatile',
): Promise<Report> {
  const games = join(projectRoot, 'test', version);
  return expectLogsHold({ paths: [folder], nats: stack.nats.url, games, volatileLossMs });
}

/** Each of them plays on under another owner. */
async function playOn(games: readonly Game<Rows>[], from: string): Promise<void> {
  await eventually(() => {
    for (const game of games) expect([game.pod === from, game.status]).toEqual([false, 'live']);
  }, PATIENCE);
  const ticks = games.map((game) => game.replica.tick);
  await eventually(() => {
    for (const [index, game] of games.entries())
      expect(game.replica.tick).toBeGreaterThan(ticks[index]! + 20);
  }, PATIENCE);
}

it('a volatile game is drained, killed and paused: everyone plays on over the same socket, and little is lost', async () => {
  await using folder = await temporaryFolder();
  await using stack = await startRallies(1_000);
  await using eye = await connect({ urls: stack.edgeUrls, token: stack.token('eye') });
  const { game } = await eye.games.create('rally');
  await using ann = await Player.join(stack, game, 'ann', folder.path);
  await using bob = await Player.join(stack, game, 'bob', folder.path);
  await using cyd = await Player.join(stack, game, 'cyd', folder.path);
  const players = [ann, bob, cyd];
  const watched = await eye.games.join<Rows>(game, { spectate: true });
  const all = [watched, ...players.map((player) => player.game)];
  await eventually(
    () => expect(Math.min(...players.map(({ count }) => count))).toBeGreaterThan(10),
    PATIENCE,
  );

  // Drained: nothing is lost.
  const drained = watched.pod;
  await stack.service(drained).stop({ signal: 'SIGTERM' });
  await playOn(all, drained);
  for (const { restarts } of players) {
    const [first, moved] = restarts.slice(-2);
    expect(moved!.epoch).toBeGreaterThan(first!.epoch);
    expect([moved!.pid, moved!.count]).toEqual([first!.pid, first!.count + moved!.ack - first!.ack]);
  }
  await stack.service(drained).start();

  // Killed.
  const killed = watched.pod;
  await stack.service(killed).kill();
  await playOn(all, killed);
  await stack.service(killed).start();

  // Paused, and resumed when another owns the game.
  const paused = watched.pod;
  stack.service(paused).pause();
  await playOn(all, paused);
  stack.service(paused).resume();
  await playOn(all, paused);

  for (const player of players) {
    await player.rest();
    expect([player.notes, player.lost]).toEqual([[], 0]);
    expect(player.restarts.map(({ epoch }) => epoch)).toHaveLength(4);
    player.expectEachOnce();
  }
  for (const player of players) await player[Symbol.asyncDispose]();
  const report = await checked(stack, folder.path, 1_000);
  expect(report.checked).toMatchObject({ clients: 3, games: 1, 'changes of owner': 3 });
  expect(report.checked['shown states']).toBeGreaterThan(100);
}, 120_000);

it('a seat that was lost with its state is taken anew by itself', async () => {
  await using folder = await temporaryFolder();
  // Snapshots half a minute apart: all that happens here is lost.
  await using stack = await startRallies(60_000, { edges: 1 });
  await using maker = await connect({ urls: stack.edgeUrls, token: stack.token('maker') });
  const { game } = await maker.games.create('rally');
  await using ann = await Player.join(stack, game, 'ann', folder.path);
  await using bob = await Player.join(stack, game, 'bob', folder.path);
  const players = [ann, bob];
  await eventually(
    () => expect(Math.min(...players.map(({ count }) => count))).toBeGreaterThan(10),
    PATIENCE,
  );

  const { pod } = ann.game;
  await stack.service(pod).kill();
  await playOn(
    players.map((player) => player.game),
    pod,
  );

  for (const player of players) {
    await player.rest();
    const [before, after] = player.restarts;
    expect(after!.epoch).toBeGreaterThan(before!.epoch);
    expect(after!.count).toBe(0);
    expect(player.notes).toEqual([]);
    player.expectEachOnce();
  }
  expect(new Set(players.map((player) => player.game.pid)).size).toBe(2);
  for (const player of players) await player[Symbol.asyncDispose]();
  await checked(stack, folder.path, 60_000);
}, 120_000);

it('a volatile game goes over into its next version when its process is drained: nothing is lost, and nobody reconnects', async () => {
  await using folder = await temporaryFolder();
  await using stack = await startRallies(1_000, { edges: 1, simulations: 1 });
  await using eye = await connect({ urls: stack.edgeUrls, token: stack.token('eye') });
  const { game } = await eye.games.create('rally');
  await using ann = await Player.join(stack, game, 'ann', folder.path);
  await using bob = await Player.join(stack, game, 'bob', folder.path);
  const players = [ann, bob];
  const watched = await eye.games.join<Rows>(game, { spectate: true });
  const all = [watched, ...players.map((player) => player.game)];
  await eventually(
    () => expect(Math.min(...players.map(({ count }) => count))).toBeGreaterThan(10),
    PATIENCE,
  );
  await using newer = await spawnService('simulation', {
    label: 'sim-next',
    env: {
      BREAKWATER_SIMULATION_GAME_FOLDERS: join(projectRoot, 'test/volatile-next'),
      BREAKWATER_NATS_URL: stack.nats.url,
      BREAKWATER_INSTANCE: 'sim-next',
      BREAKWATER_HTTP_HOST: '127.0.0.1',
      BREAKWATER_HTTP_PORT: '0',
    },
  });
  const { pod } = watched;
  await stack.service(pod).stop({ signal: 'SIGTERM' });
  await playOn(all, pod);
  for (const each of all) {
    expect(each.pod).toBe('sim-next');
    expect(each.replica.schema.schemaVersion).toBe(2);
  }
  for (const player of players) {
    const [first, moved] = player.restarts as [Restart, Restart];
    expect([moved.pid, moved.count]).toEqual([first.pid, first.count + moved.ack - first.ack]);
    await player.rest();
    expect([player.notes, player.lost]).toEqual([[], 0]);
    player.expectEachOnce();
    const row: Readonly<Record<string, unknown>> = player.game.replica.table('hits').rows.get(moved.pid)!;
    expect(row.fresh).toBe(player.count - moved.count);
  }
  for (const player of players) await player[Symbol.asyncDispose]();
  await checked(stack, folder.path, 1_000, 'volatile-next');
  expect(newer.exitStatus).toBeUndefined();
}, 120_000);
