import { roomId, userId } from '@breakwater/bus';
import { formatMessageId, ProtocolError } from '@breakwater/protocol';
import { KeyedLock } from '@breakwater/service-kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fate, ModelLog } from '../../test/model-log.ts';
import { RecentIds } from './recent-ids.ts';
import { Sender } from './sender.ts';

const ROOM = roomId('general');
const ANN = userId('ann');
const LIMITS = {
  maxTextBytes: 100,
  dedupWindowMs: 120_000,
  retryHorizonMs: 600_000,
  clockSkewMs: 60_000,
  appendTimeoutMs: 1_500,
  deadlineMs: 4_000,
};

/** A replica of chat over a shared log. Its waiting takes turns, and no time that the log would notice. */
function replica(log: ModelLog, maxMessagesPerRoom = 1_000): Sender {
  let waitedMs = 0;
  const ids = new RecentIds(log, {
    maxMessagesPerRoom,
    maxLookupRecords: 5_000,
    maxSpanMs: 1_200_000,
    maxIds: 10_000,
  });
  const clock = { monotonicMs: () => log.nowMs + waitedMs, unixMs: () => log.nowMs };
  const sleep = async (ms: number) => {
    waitedMs += ms;
    await Promise.resolve();
  };
  const lookups = new KeyedLock(100, () => new ProtocolError('busy'));
  return new Sender({ log, ids, clock, random: () => 0.5, sleep, limits: LIMITS, lookups });
}

const idAt = (timeMs: number, n: number) => formatMessageId('test', timeMs, n);
const message = (msg: string, text = msg) => ({ user: ANN, name: 'Ann', msg, text });

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.code;
  }
}

describe('sending', () => {
  test('a doubt is settled by the same record again, and the sequence is announced', async () => {
    const log = new ModelLog();
    const fates: Fate[] = ['answer lost', 'append lost', 'ok'];
    log.nextFate = () => fates.shift() ?? 'ok';
    const sent = await replica(log).send(ROOM, message(idAt(log.nowMs, 1)));
    expect(sent).toMatchObject({ seq: 1, duplicate: true });
    expect(log.of(ROOM)).toHaveLength(1);
    expect(log.notices).toEqual([1]);
  });

  test('what stays in doubt is unavailable, never acknowledged', async () => {
    const log = new ModelLog();
    log.nextFate = () => 'append lost';
    expect(await codeOf(replica(log).send(ROOM, message(idAt(log.nowMs, 1))))).toBe('unavailable');
    expect(log.of(ROOM)).toEqual([]);
  });

  test('the log is looked into well before its window ends, not for a young id', async () => {
    const log = new ModelLog();
    const sender = replica(log);
    await sender.send(ROOM, message(idAt(log.nowMs, 1)));
    expect(log.reads).toBeLessThanOrEqual(2);
    const born = log.nowMs;
    log.nowMs += LIMITS.dedupWindowMs - LIMITS.clockSkewMs - 1_000;
    const before = log.reads;
    await sender.send(ROOM, message(idAt(born, 2)));
    expect(log.reads - before).toBeGreaterThan(2);
  });

  test('a record that the room has trimmed is expired; in a room below its limit nothing was trimmed', async () => {
    const log = new ModelLog({ maxPerRoom: 3 });
    const sender = replica(log, 3);
    const old = idAt(log.nowMs - 200_000, 1);
    await sender.send(ROOM, message(idAt(log.nowMs, 2)));
    expect(await codeOf(sender.send(ROOM, message(old)))).toBe('ok');
    for (let n = 3; n < 6; n++) await sender.send(ROOM, message(idAt(log.nowMs, n)));
    expect(await codeOf(sender.send(ROOM, message(old)))).toBe('expired');
  });

  test('ids in memory belong to the log that they were read from', async () => {
    const log = new ModelLog();
    const sender = replica(log);
    const old = () => idAt(log.nowMs - 300_000, 1);
    const first = old();
    expect(await sender.send(ROOM, message(first))).toMatchObject({ duplicate: false });
    expect(await sender.send(ROOM, message(first))).toMatchObject({ duplicate: true });
    log.recreate();
    expect(await sender.send(ROOM, message(first))).toMatchObject({ seq: 1, duplicate: false });
    expect(await sender.send(ROOM, message(first))).toMatchObject({ seq: 1, duplicate: true });
  });
});

describe('what a frozen replica had on its way', () => {
  test('stores nothing twice when it arrives after the duplicate window, because the room has gone on', async () => {
    const log = new ModelLog();
    const [frozen, awake] = [replica(log), replica(log)];
    const old = message(idAt(log.nowMs - 100_000, 1));
    log.nextFate = () => 'late';
    expect(await codeOf(frozen.send(ROOM, old))).toBe('unavailable');
    log.nextFate = () => 'ok';
    const { seq } = await awake.send(ROOM, old);
    log.nowMs += 2 * LIMITS.dedupWindowMs;
    log.arrive();
    expect(log.of(ROOM).map((one) => one.seq)).toEqual([seq]);
  });

  test('ids in memory are not believed when the log was cut back', async () => {
    const log = new ModelLog();
    const sender = replica(log);
    await sender.send(ROOM, message(idAt(log.nowMs, 1)));
    const old = message(idAt(log.nowMs - 100_000, 2));
    expect(await sender.send(ROOM, old)).toMatchObject({ seq: 2, duplicate: false });
    expect(await sender.send(ROOM, old)).toMatchObject({ seq: 2, duplicate: true });
    log.nowMs += LIMITS.dedupWindowMs;
    log.cutBack(1);
    expect(await sender.send(ROOM, old)).toMatchObject({ seq: 2, duplicate: false });
    expect(await sender.send(ROOM, old)).toMatchObject({ seq: 2, duplicate: true });
    log.nowMs += LIMITS.dedupWindowMs;
    log.cutBack(1);
    await sender.send(ROOM, message(idAt(log.nowMs, 3)));
    await sender.send(ROOM, message(idAt(log.nowMs, 4)));
    expect(await sender.send(ROOM, old)).toMatchObject({ seq: 4, duplicate: false });
  });
});

interface Step {
  readonly id: number;
  readonly replicas: readonly number[];
  readonly waitMs: number;
  readonly turns: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  id: fc.nat(4),
  replicas: fc.array(fc.nat(1), { minLength: 1, maxLength: 4 }),
  waitMs: fc.constantFrom(0, 1_000, 40_000, 100_000, 200_000),
  turns: fc.nat(10),
});
const fate = fc.constantFrom<Fate>('ok', 'ok', 'ok', 'answer lost', 'append lost', 'late');

describe('sending, over random losses, delays and replicas', () => {
  test('an id is stored once at most, and every acknowledgement says where', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(fate, { maxLength: 60 }),
        async (steps, fates) => {
          const log = new ModelLog();
          log.nextFate = () => fates.shift() ?? 'ok';
          const replicas = [replica(log), replica(log)];
          const bornMs = new Map<number, number>();
          const acked = new Map<string, Set<number>>();
          for (const { id, replicas: through, waitMs, turns } of steps) {
            const born = bornMs.get(id) ?? log.nowMs - id * 30_000;
            bornMs.set(id, born);
            const msg = idAt(born, id);
            const sends = through.map(async (index) => {
              const code = await codeOf(
                replicas[index]!.send(ROOM, message(msg)).then(({ seq }) => {
                  acked.set(msg, (acked.get(msg) ?? new Set()).add(seq));
                }),
              );
              expect(['ok', 'unavailable', 'expired']).toContain(code);
            });
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            log.arrive();
            await Promise.all(sends);
            log.arrive();
            log.nowMs += waitMs;
          }
          const stored = log
            .of(ROOM)
            .map(({ seq, record }) => ({ seq, msg: 'msg' in record ? record.msg : '' }));
          expect(new Set(stored.map(({ msg }) => msg)).size).toBe(stored.length);
          for (const [msg, seqs] of acked) {
            expect([...seqs]).toEqual(stored.filter((one) => one.msg === msg).map(({ seq }) => seq));
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
