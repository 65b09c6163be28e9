import { gameId } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { gameRecord, Sims, subjects } from './sims.ts';

describe('fault 34: commands', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-a', { BREAKWATER_SIMULATION_VERIFY: 'on' });
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  async function lab(game: string, options: Record<string, unknown> = {}) {
    const archive = await Archive.of(sims, game);
    expect(await sims.host('sim-a', game, { type: 'lab', options })).toMatchObject({ outcome: 'hosted' });
    const { pid } = await sims.join(game, 'ann');
    const ack = async (wanted: number) => {
      await eventually(async () => (await archive.complete()).replay().instance.ackOf(pid) === wanted);
      return archive.replay().instance;
    };
    return { archive, pid, ack };
  }

  it('are applied in the order of their numbers, whatever the order of arrival, and each once', async () => {
    const { pid, ack } = await lab('orders');
    for (const n of [3, 2, 2, 5, 1, 1, 4, 3, 5]) sims.command('orders', pid, n, 'add', { tag: n });
    const counter = (await ack(5)).tables.counters.need(pid);
    expect([counter.value, counter.last]).toEqual([5, 5]);
  });

  it('of a session that another one replaced have no effect and use up no number, also those that wait', async () => {
    const { pid, ack, archive } = await lab('replaced');
    sims.command('replaced', pid, 1, 'add', { tag: 1 });
    await ack(1);
    sims.command('replaced', pid, 3, 'add', { tag: 99 });
    expect(await sims.join('replaced', 'ann', 2)).toMatchObject({ pid, ack: 1 });
    for (const n of [2, 3, 4]) sims.command('replaced', pid, n, 'add', { tag: 99 }, 1);
    sims.command('replaced', pid, 2, 'add', { tag: 2 }, 2);
    expect((await ack(2)).tables.counters.need(pid)).toMatchObject({ value: 2, last: 2 });
    sims.command('replaced', pid, 3, 'add', { tag: 3 }, 2);
    expect((await ack(3)).tables.counters.need(pid)).toMatchObject({ value: 3, last: 3 });
    expect((await archive.complete()).replay().instance.tables.$seats.get(pid, 'join')).toBe(2);
  });

  it('behind a hole wait for it', async () => {
    const { pid, ack } = await lab('hole');
    sims.command('hole', pid, 1, 'add', { tag: 1 });
    for (let n = 3; n <= 10; n++) sims.command('hole', pid, n, 'add', { tag: n });
    expect((await ack(1)).tables.counters.need(pid).value).toBe(1);
    sims.command('hole', pid, 2, 'add', { tag: 2 });
    expect((await ack(10)).tables.counters.need(pid).value).toBe(10);
  });

  it('ten thousand ahead of their turn are kept within the limit and the rest taken when sent again', async () => {
    const { pid, ack } = await lab('flood');
    for (let n = 2; n <= 10_001; n++) sims.command('flood', pid, n, 'add', { tag: n });
    sims.command('flood', pid, 1, 'add', { tag: 1 });
    const kept = 256;
    expect((await ack(kept)).tables.counters.need(pid).value).toBe(kept);
    sims.command('flood', pid, kept + 1, 'add', { tag: kept + 1 });
    await ack(kept + 1);
  });

  it('for a seat that is not taken, with unknown names and with bad arguments change nothing but the number', async () => {
    const { pid, ack, archive } = await lab('bad');
    sims.command('bad', pid + 7, 1, 'add');
    sims.command('bad', pid, 1, 'noSuchThing');
    sims.command('bad', pid, 2, 'add', { tag: -1 });
    sims.command('bad', pid, 3, 'add', { other: 1 });
    sims.command('bad', pid, 4, 'refuse');
    sims.command('bad', pid, 5, 'explode');
    const { tables } = await ack(5);
    expect(tables.counters.need(pid).value).toBe(0);
    expect(tables.counters.size).toBe(1);
    const slices = archive.records.flatMap(({ bytes }) => {
      const record = gameRecord(bytes);
      return record.kind === 'delta'
        ? record.parts.slices.map((slice) => Buffer.from(slice.bytes).toString('latin1'))
        : [];
    });
    const reasons = ['unknown_command', 'bad_args', 'as_asked', 'command_failed'];
    for (const reason of reasons) expect(slices.join('\n')).toContain(reason);
  });

  it('for the seat of another change nothing and use up no number of either', async () => {
    const { pid, ack, archive } = await lab('seats');
    expect(await sims.join('seats', 'ann', 4)).toMatchObject({ pid });
    const bob = await sims.join('seats', 'bob', 2);
    for (let n = 1; n <= 3; n++) sims.command('seats', pid, n, 'add', { tag: 99 }, bob.join);
    sims.command('seats', bob.pid, 1, 'add', { tag: 99 }, 4);
    sims.command('seats', bob.pid, 1, 'add', { tag: 2 }, bob.join);
    sims.command('seats', pid, 1, 'add', { tag: 1 }, 4);
    await ack(1);
    await eventually(async () => (await archive.complete()).replay().instance.ackOf(bob.pid) === 1);
    const counters = Array.from(archive.replay().instance.tables.counters, ({ id, value, last }) => [
      id,
      value,
      last,
    ]);
    expect(counters).toEqual([
      [pid, 1, 1],
      [bob.pid, 1, 2],
    ]);
  });

  it('and joins beyond what waits for one tick are told to come again, or are sent again', async () => {
    await sims.pod('sim-narrow', { BREAKWATER_SIMULATION_MAX_INPUTS: '16' });
    await sims.host('sim-narrow', 'narrow', { type: 'lab' });
    const { pid } = await sims.join('narrow', 'ann');
    const users = Array.from({ length: 500 }, (_, index) => `user-${index}`);
    const joins = await Promise.allSettled(
      users.map((user) => sims.join('narrow', user, 1, { spectate: true })),
    );
    const refusals = joins.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refusals.length).toBeGreaterThan(0);
    for (const refusal of refusals) expect(refusal).toMatchObject({ remote: { code: 'busy' } });
    const isTaken = async () => (await sims.join('narrow', 'ann', 1)).ack >= 200;
    await eventually(async () => {
      for (let n = 1; n <= 200; n++) sims.command('narrow', pid, n, 'add', { tag: n });
      return isTaken();
    });
  });

  it('that cannot be read are counted and change nothing', async () => {
    const { pid, ack } = await lab('garbage');
    for (const data of ['', '{', 'null', '{"kind":"command","pid":0,"n":1,"name":"add"}', '{"kind":"fly"}']) {
      sims.bus.publish(subjects.gameIn(gameId('garbage')), data);
    }
    sims.command('garbage', pid, 1, 'add');
    await ack(1);
  });

  it('after the end of the game do nothing', async () => {
    const { pid, archive } = await lab('ended');
    sims.command('ended', pid, 1, 'finish');
    sims.command('ended', pid, 2, 'add');
    await eventually(async () => (await sims.log('ended')).at(-1)?.record.kind === 'end');
    sims.command('ended', pid, 3, 'add');
    const log = await sims.log('ended');
    expect(log.at(-1)?.record).toMatchObject({ kind: 'end', reason: 'finished' });
    await archive.complete();
    expect(archive.replay().instance.tables.counters.need(pid).value).toBe(0);
    await expect(sims.ask('ended', { kind: 'sync', edge: 'e', pids: [] }, 500)).rejects.toMatchObject({
      code: 'no_responders',
    });
  });

  it('of fifty players that break the same object give its worth to exactly one, in the log', async () => {
    const { archive } = await lab('broken');
    const joins = Array.from({ length: 50 }, (_, index) => sims.join('broken', `user-${index}`));
    const pids = (await Promise.all(joins)).map(({ pid }) => pid);
    for (const pid of pids) sims.command('broken', pid, 1, 'hit');
    await eventually(async () => {
      const { instance } = (await archive.complete()).replay();
      return pids.every((pid) => instance.ackOf(pid) === 1);
    });
    const { tables } = archive.replay().instance;
    const { hp, brokenBy } = tables.object.need(1);
    expect(hp).toBe(0);
    expect(pids).toContain(brokenBy);
    expect(Array.from(tables.scores, ({ id, xp }) => [id, xp]).filter(([, xp]) => xp !== 0)).toEqual([
      [brokenBy, 10],
    ]);
  });

  it('and their effects reach a joiner only with a record that is in the log', async () => {
    const { pid, archive } = await lab('ahead');
    for (let n = 1; n <= 60; n++) {
      sims.command('ahead', pid, n, 'add', { tag: n });
      sims.command('ahead', pid, 0 + n, 'draw');
      if (n % 6 !== 0) continue;
      const reply = await sims.join('ahead', `guest-${n}`, 1, { spectate: n % 12 === 0 });
      await archive.complete();
      const stored = archive.replay(reply.seq);
      expect(stored.seq).toBe(reply.seq);
      const state = stored.instance.encodeState();
      expect(Buffer.from(reply.parts.shared)).toEqual(Buffer.from(state.shared));
      const mine = state.slices.filter((slice) => slice.pid === reply.pid);
      expect(reply.parts.slices.map(({ bytes }) => Buffer.from(bytes))).toEqual(
        mine.map(({ bytes }) => Buffer.from(bytes)),
      );
    }
  });
});
