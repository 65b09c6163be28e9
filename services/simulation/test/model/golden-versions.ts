/** A log with what a World's does not need to have: a restart, another version, awards in ledgers, and an end. */

import { defineGame, type GameDefinition, int, table, u32 } from '@breakwater/game-kit';
import { GameFactory } from '../../src/domain/game-factory.ts';
import { Replay } from '../../src/domain/replay.ts';
import { MemoryWorld, random } from '../memory-world.ts';
import { type GoldenLog, type GoldenRecord, toGolden } from './golden-log.ts';

export interface GoldenVersions extends GoldenLog {
  /** By user. */
  readonly ledgers: Readonly<Record<string, readonly GoldenRecord[]>>;
  /** By user. */
  readonly totals: Readonly<Record<string, number>>;
}

const tables1 = {
  coins: table({ visibility: 'all', columns: { value: u32() } }),
  hands: table({ visibility: 'owner', columns: { card: u32() } }),
  traps: table({ visibility: 'server', columns: { atTick: u32() } }),
};
const throws = { isDue: false };

const first = defineGame({
  type: 'mint',
  schemaVersion: 1,
  tables: tables1,
  commands: {
    earn: {
      args: { amount: int(1, 100) },
      run(ctx, player, { amount }) {
        ctx.tables.coins.need(player.pid).value += amount;
        ctx.award(player.pid, amount);
      },
    },
  },
  setup: (ctx) => void ctx.tables.traps.insert({ atTick: 1_000 }),
  join(ctx, player) {
    ctx.tables.coins.insert({}, player.pid);
    ctx.tables.hands.insert({ owner: player.pid, card: ctx.random.int(1, 52) });
  },
  tick(ctx) {
    if (ctx.tick % 10 === 0) ctx.tables.traps.need(1).atTick += 1;
    if (!throws.isDue) return;
    throws.isDue = false;
    throw new Error('once');
  },
});

const second = defineGame({
  type: 'mint',
  schemaVersion: 2,
  tables: { sums: table({ visibility: 'all', columns: { value: u32() } }), ...tables1 },
  commands: {
    earn: {
      args: { amount: int(1, 100) },
      run(ctx, player, { amount }) {
        ctx.tables.coins.need(player.pid).value += amount;
        ctx.tables.sums.need(1).value += amount;
        ctx.award(player.pid, amount);
      },
    },
  },
  setup(ctx) {
    ctx.tables.sums.insert({});
    ctx.tables.traps.insert({ atTick: 1_000 });
  },
  join(ctx, player) {
    ctx.tables.coins.insert({}, player.pid);
    ctx.tables.hands.insert({ owner: player.pid, card: ctx.random.int(1, 52) });
  },
  tick(ctx) {
    if (ctx.tick % 10 === 0) ctx.tables.traps.need(1).atTick += 1;
  },
  migrate: {
    1: {
      tables: tables1,
      run(ctx, old) {
        let value = 0;
        for (const coins of old.coins) value += coins.value;
        ctx.tables.sums.insert({ value });
      },
    },
  },
});

/** The newer version, which reads all of the log. */
export const mint = second as unknown as GameDefinition;

/** Plays it over three owners, the third of the newer version. Run once for each version of the record formats. */
export async function recordGoldenVersions(): Promise<GoldenVersions> {
  const options = { hashEveryRecords: 1, snapshotEveryRecords: 8 };
  const weather = { trouble: 0, random: random(5) };
  const stage = new MemoryWorld(weather, options, {}, first as unknown as GameDefinition);
  const users = ['ann', 'böb'];
  for (const epoch of [1, 2, 3]) {
    const factory = epoch === 3 ? new GameFactory(mint, () => undefined) : stage.factory;
    const hosting = stage.host(epoch, 4_000, factory);
    await stage.clock.advanceAsync(300);
    await hosting;
    for (const user of users) stage.join(user, epoch);
    await stage.ticks(8);
    for (let n = 1; n <= 5; n++) {
      const at = (epoch - 1) * 5 + n;
      for (const pid of [1, 2]) stage.command(pid, at, 'earn', { amount: pid * n });
      throws.isDue = epoch === 2 && n === 3;
      await stage.ticks(6);
    }
  }
  const { owner } = stage.owners.at(-1)!;
  owner.retire('done');
  await stage.ticks(20);
  const replay = new Replay(new GameFactory(mint, () => undefined));
  for (const record of stage.log.archive) replay.apply(record);
  const state = replay.instance;
  if (state === undefined) throw new Error('nothing was recorded');
  return {
    schemaVersion: mint.schemaVersion,
    options: {},
    records: stage.log.archive.map(toGolden),
    snapshots: stage.snapshots.archive.map(toGolden),
    hash: state.hash(),
    ledgers: Object.fromEntries(
      users.map((user) => [user, stage.ledgers.chainOf(user).archive.map(toGolden)]),
    ),
    totals: Object.fromEntries(users.map((user) => [user, stage.ledgers.totalOf(user)])),
  };
}
