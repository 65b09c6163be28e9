import { describe, expect, it } from 'vitest';
import {
  createInstance,
  defineGame,
  emptyInstance,
  GameError,
  hydrate,
  int,
  table,
  verifyInstance,
} from '../src/index.ts';

const spec = {
  type: 'mint',
  schemaVersion: 1,
  maxPendingAwards: 3,
  tables: { clicks: table({ visibility: 'all', columns: {} }) },
} as const;

const mint = defineGame({
  ...spec,
  maxPendingAwardsPerUser: 3,
  commands: {
    earn: {
      args: { amount: int(0, 2_000_000_000), to: int(0, 100) },
      run(ctx, player, { amount, to }) {
        ctx.tables.clicks.insert({});
        ctx.award(to === 0 ? player.pid : to, amount);
        if (amount === 13) throw new Error('bad luck');
      },
    },
  },
  leave(ctx, player) {
    ctx.award(player.pid, 7);
  },
});
const volatileMint = defineGame({
  ...spec,
  durability: 'volatile',
  commands: { earn: { args: {}, run: (ctx, player) => ctx.award(player.pid, 1) } },
});

function seated(...users: string[]) {
  const instance = createInstance(mint, { seed: 1 });
  for (const user of users) instance.join({ user, name: user, join: 1 });
  const earn = (pid: number, n: number, amount: number, to = 0) =>
    instance.command(pid, n, 'earn', { amount, to });
  return { instance, earn };
}

describe('awards', () => {
  it('are in the same delta as what earned them, named by the record that holds it', () => {
    const { instance, earn } = seated('ann', 'bob');
    expect(earn(1, 1, 5)).toBe('applied');
    expect(earn(2, 1, 6)).toBe('applied');
    expect(instance.awards()).toEqual([]);
    expect(instance.pendingAwards).toBe(2);
    const named = instance.nameAwards(3, 12);
    expect(named).toEqual([
      { row: 1, user: 'ann', amount: 5, epoch: 3, n: 12, index: 0 },
      { row: 2, user: 'bob', amount: 6, epoch: 3, n: 12, index: 1 },
    ]);
    const copy = emptyInstance(mint, { seed: 1 });
    copy.applyDelta(instance.encodeDelta());
    expect(copy.awards()).toEqual(named);
    expect(copy.hash()).toBe(instance.hash());
    verifyInstance(instance);
  });

  it('are named once, and the next record names only its own', () => {
    const { instance, earn } = seated('ann');
    earn(1, 1, 5);
    instance.nameAwards(1, 4);
    instance.encodeDelta();
    earn(1, 2, 6);
    expect(instance.nameAwards(1, 5)).toEqual([{ row: 2, user: 'ann', amount: 6, epoch: 1, n: 5, index: 0 }]);
    const copy = hydrate(mint, instance.encodeState(), { seed: 1 });
    expect(copy.nameAwards(2, 1)).toEqual([]);
    expect(copy.awards().map(({ n }) => n)).toEqual([4, 5]);
  });

  it('stay until they are taken out, and only the one that is meant goes', () => {
    const { instance, earn } = seated('ann');
    earn(1, 1, 5);
    const [award] = instance.nameAwards(1, 1);
    instance.encodeDelta();
    expect(instance.takeAward({ ...award!, epoch: 2 })).toBe(false);
    expect(instance.hasChanges).toBe(false);
    expect(instance.takeAward(award!)).toBe(true);
    expect(instance.hasChanges).toBe(true);
    expect(instance.takeAward(award!)).toBe(false);
    expect(instance.pendingAwards).toBe(0);
  });

  it('are undone with the command that throws', () => {
    const { instance, earn } = seated('ann');
    expect(earn(1, 1, 13)).toBe('failed');
    expect(instance.pendingAwards).toBe(0);
    expect(instance.tables.clicks.size).toBe(0);
  });

  it('beyond the limit reject the command, and nothing of it happens', () => {
    const { instance, earn } = seated('ann');
    for (let n = 1; n <= 3; n++) expect(earn(1, n, n)).toBe('applied');
    expect(earn(1, 4, 4)).toEqual({ rejected: 'awards_full' });
    expect(instance.tables.clicks.size).toBe(3);
    instance.takeAward(instance.nameAwards(1, 1)[0]!);
    expect(earn(1, 5, 5)).toBe('applied');
  });

  it('of one user take up a share of the outbox only, and there is room for the others', () => {
    const shared = defineGame({
      ...spec,
      maxPendingAwards: 20,
      maxPlayers: 4,
      commands: {
        earn: {
          args: {},
          run(ctx, player) {
            ctx.tables.clicks.insert({});
            ctx.award(player.pid, ctx.awardRoomOf(player.pid) + 1);
          },
        },
      },
    });
    const instance = createInstance(shared, { seed: 1 });
    for (const user of ['ann', 'bob', 'cid']) instance.join({ user, name: user, join: 1 });
    const earn = (pid: number, n: number) => instance.command(pid, n, 'earn', {});
    for (let n = 1; n <= 5; n++) expect(earn(1, n)).toBe('applied');
    for (let n = 6; n <= 9; n++) expect(earn(1, n)).toEqual({ rejected: 'own_awards_full' });
    expect(instance.tables.clicks.size).toBe(5);
    // Who leaves takes the share along: the same user comes back to it under another number.
    instance.leave(1, 1);
    const { pid } = instance.join({ user: 'ann', name: 'ann', join: 2 }) as { pid: number };
    expect(earn(pid, 1)).toEqual({ rejected: 'own_awards_full' });
    for (let n = 1; n <= 5; n++) expect(earn(2, n)).toBe('applied');
    for (let n = 1; n <= 5; n++) expect(earn(3, n)).toBe('applied');
    const named = instance.nameAwards(1, 1);
    expect(named.map(({ amount }) => amount)).toEqual([6, 5, 4, 3, 2, 6, 5, 4, 3, 2, 6, 5, 4, 3, 2]);
    instance.takeAward(named[0]!);
    expect(earn(pid, 2)).toBe('applied');
  });

  it('of one user are not more than all', () => {
    const define = (maxPendingAwardsPerUser: number) => () =>
      defineGame({ ...spec, maxPendingAwardsPerUser, commands: {} });
    expect(define(4)).toThrow(/maxPendingAwardsPerUser must be 1 to 3/);
    expect(define(3)().maxPendingAwardsPerUser).toBe(3);
  });

  it('go to whoever has a seat, also in the moment of giving it up', () => {
    const { instance, earn } = seated('ann', 'bob');
    expect(earn(1, 1, 9, 2)).toBe('applied');
    expect(earn(1, 2, 9, 3)).toBe('failed');
    instance.leave(1, 1);
    expect(instance.nameAwards(1, 1).map(({ user, amount }) => [user, amount])).toEqual([
      ['bob', 9],
      ['ann', 7],
    ]);
  });

  it('are whole numbers above 0', () => {
    const { instance, earn } = seated('ann');
    expect(earn(1, 1, 0)).toBe('failed');
    expect(earn(1, 2, 2_000_000_000)).toBe('failed');
    expect(instance.pendingAwards).toBe(0);
  });

  it('are not given by a volatile game, whose deeds may be lost', () => {
    const errors: unknown[] = [];
    const instance = createInstance(volatileMint, { seed: 1, onError: (error) => errors.push(error) });
    instance.join({ user: 'ann', name: 'Ann', join: 1 });
    expect(instance.command(1, 1, 'earn', {})).toBe('failed');
    expect(errors).toEqual([expect.any(GameError)]);
  });
});
