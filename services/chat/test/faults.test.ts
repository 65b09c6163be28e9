import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { Caller, codeOf, connectTo, newId, readLog, spawnChat, startWorld } from './harness.ts';
import { faultsOf, Load } from './load.ts';

/** Doubt is settled quickly, so that a short test sees much of it. */
const IMPATIENT = { BREAKWATER_CHAT_APPEND_TIMEOUT_MS: '150', BREAKWATER_CHAT_SEND_DEADLINE_MS: '600' };

const LIMIT = { timeoutMs: 30_000 };

describe('faults', { timeout: 120_000 }, () => {
  test('fault 25: NATS stands still: no false acknowledgement; then each message is there once, with one sequence', async () => {
    await using world = await startWorld();
    await using a = await spawnChat(world.nats, IMPATIENT);
    await using b = await spawnChat(world.nats, IMPATIENT);
    const callers = Array.from({ length: 8 }, (_, n) => new Caller(world.bus, `user${n}`));
    for (const caller of callers) caller.timeoutMs = 1_000;
    const load = new Load(callers, 'general');
    await eventually(() => load.ackedCount > 50, LIMIT);
    for (const pauseMs of [300, 1_200, 2_500]) {
      world.nats.pause();
      const before = load.ackedCount;
      await sleep(pauseMs);
      expect(load.ackedCount - before).toBeLessThanOrEqual(callers.length);
      world.nats.resume();
      const resumed = load.ackedCount;
      await eventually(() => load.ackedCount > resumed + 50, LIMIT);
    }
    await load.stop();
    const log = await readLog(world.bus, 'general');
    expect(faultsOf(load.sent, log)).toEqual([]);
    expect(load.codes.size).toBeGreaterThan(0);
    expect([a.exitStatus, b.exitStatus]).toEqual([undefined, undefined]);
  });

  test('fault 26: NATS is killed under load: what was acknowledged is kept, nothing is there twice', async () => {
    await using world = await startWorld();
    await using _a = await spawnChat(world.nats);
    await using _b = await spawnChat(world.nats);
    const callers = Array.from({ length: 8 }, (_, n) => new Caller(world.bus, `user${n}`));
    for (const caller of callers) caller.timeoutMs = 2_000;
    const load = new Load(callers, 'general');
    for (let round = 0; round < 3; round++) {
      const before = load.ackedCount;
      await eventually(() => load.ackedCount > before + 100, LIMIT);
      await world.nats.restart();
    }
    const before = load.ackedCount;
    await eventually(() => load.ackedCount > before + 50, LIMIT);
    await load.stop();
    expect(faultsOf(load.sent, await readLog(world.bus, 'general'))).toEqual([]);
    expect(load.codes.size).toBeGreaterThan(0);
    expect((await world.ann.list()).rooms).toHaveLength(1);
  });

  test('a replica of chat drains under load, another is killed: nothing acknowledged is lost or there twice', async () => {
    await using world = await startWorld();
    await using staying = await spawnChat(world.nats);
    await using killed = await spawnChat(world.nats);
    await using drained = await spawnChat(world.nats);
    const callers = Array.from({ length: 16 }, (_, n) => new Caller(world.bus, `user${n}`));
    for (const caller of callers) caller.timeoutMs = 1_000;
    const load = new Load(callers, 'general');
    await eventually(() => load.ackedCount > 200, LIMIT);
    await drained.stop();
    await eventually(() => load.ackedCount > 400, LIMIT);
    expect(new Map(load.codes), 'a drain is not noticed by anybody').toEqual(new Map());
    await killed.kill();
    await eventually(() => load.ackedCount > 600, LIMIT);
    await load.stop();
    expect(faultsOf(load.sent, await readLog(world.bus, 'general'))).toEqual([]);
    expect(staying.exitStatus).toBeUndefined();
  });

  test('a replica that stood still for longer than the dedup window stores nothing twice', async () => {
    await using world = await startWorld();
    const env = { BREAKWATER_CHAT_DEDUP_WINDOW_MS: '2000', BREAKWATER_CHAT_CLOCK_SKEW_MS: '100' };
    await using frozen = await spawnChat(world.nats, env);
    await using awake = await spawnChat(world.nats, env);
    await using bus = await connectTo(world.nats);
    const ann = new Caller(bus, 'ann');
    ann.timeoutMs = 1_000;
    const ids = Array.from({ length: 30 }, () => newId());
    frozen.pause();
    // About half of these reach the replica that stands still, and wait in its socket.
    const first = await Promise.all(ids.map((msg) => codeOf(ann.send('general', msg, msg))));
    expect(new Set(first)).toEqual(new Set(['ok', 'unavailable']));
    const resend = (msg: string) => codeOf(ann.send('general', msg, msg, { resend: true }));
    await Promise.all(ids.map((msg) => eventually(async () => (await resend(msg)) === 'ok', LIMIT)));
    await sleep(2_500);
    frozen.resume();
    await sleep(1_000);
    const log = await readLog(world.bus, 'general');
    expect(log.map(({ text }) => text).sort()).toEqual([...ids].sort());
    expect(awake.exitStatus).toBeUndefined();
  });
});
