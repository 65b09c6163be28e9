import type { Client, Game } from '@breakwater/client';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGamesImage, canBuildImages } from './cluster/images.ts';
import { Installation } from './cluster/installation.ts';
import { Load } from './cluster/load.ts';

const GAMES = 4;
const MOVED_TIMEOUT_MS = 120_000;
const GONE = 'version_gone';

const versionOf = (game: Game): number => game.replica.schema.schemaVersion;

describe.skipIf(!canBuildImages())('a new version of a game', () => {
  let installation: Installation;
  let newer: readonly string[];

  beforeAll(async () => {
    installation = await Installation.shared();
    const older = await buildGamesImage('old');
    newer = await buildGamesImage('new');
    await installation.upgrade(older);
    await installation.ready('simulation');
  });

  afterAll(async () => {
    await installation.upgrade([]);
    await installation.ready('simulation');
  });

  it('comes with helm upgrade while it is played: games move to it between two ticks, those that cannot end with their last pod', async () => {
    await using load = await Load.start(installation, { name: 'upgraded', games: GAMES, ratePerSecond: 0.5 });
    await using ann = await installation.connect('ann');
    const clientStates: string[] = [];
    ann.on('state', ({ state }) => clientStates.push(state));
    const relic = await ann.games.join((await ann.games.create('relic')).game);
    const beats = () => Number(relic.replica.table('beats').rows.get(1)?.value);
    const ends: string[] = [];
    relic.on('ended', ({ reason }) => ends.push(reason));
    const watched = await watchPlayed(ann);
    expect(watched.map(({ game }) => versionOf(game))).toEqual(Array(GAMES).fill(1));
    let beatsWhenMoved = 0;
    for (const { game } of watched)
      game.on('state', ({ isNewReplica }) => {
        if (isNewReplica) beatsWhenMoved = beats();
      });
    const { failures } = load.stats;
    const before = await installation.podNames('simulation');

    await installation.upgrade(newer);
    await eventually(() => expect(watched.map(({ game }) => versionOf(game))).toEqual(Array(GAMES).fill(2)), {
      timeoutMs: MOVED_TIMEOUT_MS,
      message: 'every game of the new version',
    });
    await eventually(() => expect(ends).toEqual([GONE]), { timeoutMs: MOVED_TIMEOUT_MS, message: 'its end' });
    expect(before).toContain(relic.pod);
    // It was played on after the games that can move had left the last pod of its version.
    expect(beats()).toBeGreaterThan(beatsWhenMoved + 20);
    await installation.ready('simulation');

    for (const { game, lastOldTick } of watched) {
      expect(game.replica.table('age').rows.get(1)).toEqual({ sinceTick: lastOldTick() });
      expect(game.status).toBe('live');
    }
    for (const type of ['world', 'relic']) {
      const made = await ann.games.join((await ann.games.create(type)).game, { spectate: true });
      expect(versionOf(made)).toBe(2);
    }
    await load.allThere();
    await load.progress();
    expect(clientStates).toEqual([]);
    expect(load.stats.reconnects).toBe(0);
    expect(load.stats.failures).toBe(failures);
    await load.judge();
    // Whoever played is still in the game that was begun in the old version.
    const joined = [...(await load.joined()).values()].flat();
    expect([...new Set(joined)].sort()).toEqual(watched.map(({ game }) => game.id).sort());
  });

  it('goes with helm rollback: its games are played until the last pod that knows it ends, and new ones are of the old version', async () => {
    await using load = await Load.start(installation, { name: 'back', games: GAMES, ratePerSecond: 0.5 });
    await using ann = await installation.connect('ann');
    const watched = await watchPlayed(ann);
    expect(watched.map(({ game }) => versionOf(game))).toEqual(Array(GAMES).fill(2));
    const ends: string[] = [];
    for (const { game } of watched) game.on('ended', ({ reason }) => ends.push(reason));

    await installation.helm(['rollback']);
    await eventually(() => expect(ends).toEqual(Array(GAMES).fill(GONE)), {
      timeoutMs: MOVED_TIMEOUT_MS,
      message: 'the end of every game of the new version',
    });
    await installation.ready('simulation');
    await load.allThere();
    await load.progress();
    expect(load.stats.reconnects).toBe(0);
    expect(load.stats.messagesFailed).toBe(0);
    for (const { game } of await watchPlayed(ann, (count) => count > 0)) expect(versionOf(game)).toBe(1);
    await load.judge();
  });
});

interface Watched {
  readonly game: Game;
  /** The last tick that was shown before another version of the game. */
  readonly lastOldTick: () => number;
}

/** Spectates every World that is played; seats of bots that were here before are given up in a while. */
async function watchPlayed(
  client: Client,
  isRight = (count: number): boolean => count === GAMES,
): Promise<readonly Watched[]> {
  const played = await eventually(
    async () => {
      const games = await client.games.list('world');
      const found = games.filter(({ state, players }) => state === 'running' && players > 0);
      expect(isRight(found.length), `${found.length} games`).toBe(true);
      return found;
    },
    { timeoutMs: MOVED_TIMEOUT_MS, message: 'the games that are played' },
  );
  return await Promise.all(
    played.map(async ({ game: id }) => {
      const game = await client.games.join(id, { spectate: true });
      const version = versionOf(game);
      let tick = game.replica.tick;
      const note = () => {
        if (versionOf(game) === version) tick = game.replica.tick;
      };
      game.on('state', note);
      game.on('delta', note);
      return { game, lastOldTick: () => tick };
    }),
  );
}
