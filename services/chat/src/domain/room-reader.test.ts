import { type RoomId, roomId } from '@breakwater/bus';
import type { Message, Position } from '@breakwater/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelLog } from '../../test/model-log.ts';
import { LatestRecords } from './latest.ts';
import { pageBack } from './page-back.ts';
import { RoomReader } from './room-reader.ts';

const ROOM = roomId('general');
const LIMITS = {
  maxPageBytes: 100_000,
  maxResumeMessages: 20,
  maxCachedMessages: 12,
  maxCachedBytes: 50_000,
};

let stamps = 0;
function say(log: ModelLog, room: string, size = 5): number {
  stamps += 1;
  const [user, msg, text] = ['ann', `m-${stamps}`, 'x'.repeat(size)];
  return log.put(room, { kind: 'message', stamp: `s${stamps}`, time: 1, user, name: user, msg, text });
}

function start(maxPerRoom = 1_000) {
  const log = new ModelLog({ maxPerRoom });
  const clock = { monotonicMs: () => log.nowMs, unixMs: () => log.nowMs };
  const latest = new LatestRecords(log, clock, { ...LIMITS, maxMessagesPerRoom: maxPerRoom });
  return { log, latest, reader: new RoomReader(log, latest, LIMITS) };
}

const seqsOf = (messages: readonly { readonly seq: number }[]) => messages.map(({ seq }) => seq);

describe('reading backwards', () => {
  test('gives the newest records below a sequence, wherever the room is dense or sparse', async () => {
    const layout = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 60 })), {
      minLength: 1,
      maxLength: 10,
    });
    await fc.assert(
      fc.asyncProperty(layout, fc.integer({ min: 1, max: 30 }), fc.nat(400), async (runs, limit, before) => {
        const { log } = start();
        for (const [isOurs, length] of runs) {
          for (let n = 0; n < length; n++) say(log, isOurs ? ROOM : 'other');
        }
        const { records, isWhole } = await pageBack(log, ROOM, {
          beforeSeq: before,
          limit,
          maxBytes: 1_000_000,
        });
        const below = log.of(ROOM).filter(({ seq }) => seq < before);
        expect(seqsOf(records)).toEqual(seqsOf(below.slice(-limit)));
        if (records.length < limit) expect(isWhole).toBe(true);
        if (isWhole) expect(records).toHaveLength(below.length);
      }),
    );
  });

  test('reads in proportion to the page, also where a burst lies behind a quiet time', async () => {
    const { log } = start(100_000);
    for (let n = 0; n < 3_000; n++) say(log, ROOM);
    for (let n = 0; n < 3_000; n++) say(log, n % 200 === 0 ? ROOM : 'other');
    log.reads = 0;
    const { records } = await pageBack(log, ROOM, { beforeSeq: 7_000, limit: 50, maxBytes: 1_000_000 });
    expect(records).toHaveLength(50);
    expect(log.reads).toBeLessThan(600);
  });

  test('stops at the byte limit, with two records at least', async () => {
    const { log } = start();
    for (let n = 0; n < 20; n++) say(log, ROOM, 1_000);
    const some = await pageBack(log, ROOM, { beforeSeq: 100, limit: 20, maxBytes: 4_000 });
    expect(seqsOf(some.records)).toEqual([18, 19, 20]);
    const two = await pageBack(log, ROOM, { beforeSeq: 100, limit: 20, maxBytes: 10 });
    expect(two).toMatchObject({ records: [{ seq: 19 }, { seq: 20 }], isWhole: false });
  });

  test('has no hole when records are trimmed during the read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 60 }),
        async (limit, turns) => {
          const { log } = start(10);
          for (let n = 0; n < 10; n++) say(log, ROOM);
          const reading = pageBack(log, ROOM, { beforeSeq: 11, limit, maxBytes: 1_000_000 });
          for (let turn = 0; turn < turns; turn++) {
            await Promise.resolve();
            if (turn % 3 === 0) say(log, ROOM);
          }
          const { records } = await reading;
          const seqs = seqsOf(records);
          expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index));
          if (seqs.length > 0) expect(seqs.at(-1)).toBe(10);
        },
      ),
    );
  });
});

describe('the latest records', () => {
  test('a crowd that asks together is served by two reads, and sees what was stored before it asked', async () => {
    const { log, latest } = start();
    for (let n = 0; n < 30; n++) say(log, ROOM);
    await latest.get(ROOM);
    log.reads = 0;
    const early = Array.from({ length: 50 }, () => latest.get(ROOM));
    const seq = say(log, ROOM);
    const late = Array.from({ length: 50 }, () => latest.get(ROOM));
    await Promise.all(early);
    for (const one of await Promise.all(late)) expect(one.tail?.seq).toBe(seq);
    expect(log.reads).toBeLessThan(10);
  });

  test('records that are trimmed while the newest are read leave no hole', async () => {
    for (let quietTurns = 0; quietTurns < 60; quietTurns++) {
      for (const news of [3, 12]) {
        const { log, latest } = start(14);
        for (let n = 0; n < 14; n++) say(log, ROOM);
        await latest.get(ROOM);
        for (let n = 0; n < news; n++) say(log, ROOM);
        const reading = latest.get(ROOM);
        for (let turn = 0; turn < quietTurns; turn++) await Promise.resolve();
        for (let n = 0; n < 13; n++) say(log, ROOM);
        const seqs = seqsOf((await reading).records);
        expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
      }
    }
  });

  test('memory is bounded, the room that was asked for longest ago goes first', async () => {
    const { log, latest } = start();
    for (let room = 0; room < 20; room++) {
      for (let n = 0; n < 12; n++) say(log, `room-${room}`, 1_000);
      await latest.get(roomId(`room-${room}`));
    }
    expect(latest.bytes).toBeLessThanOrEqual(LIMITS.maxCachedBytes);
    log.reads = 0;
    await latest.get(roomId('room-19'));
    expect(log.reads).toBe(2);
  });
});

type Op =
  | { op: 'say'; count: number; isOurs: boolean }
  | { op: 'join'; client: number; limit: number }
  | { op: 'recreate' }
  | { op: 'cutBack'; by: number }
  | { op: 'wait' };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('say' as const),
      count: fc.integer({ min: 1, max: 9 }),
      isOurs: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('join' as const),
      client: fc.nat(2),
      limit: fc.integer({ min: 1, max: 15 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'recreate' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('cutBack' as const), by: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'wait' as const }) },
);

/** A client that believes what joins say: it appends after `recovered`, and replaces otherwise. */
class Client {
  at: Position | undefined;
  messages: Message[] = [];

  async join(reader: RoomReader, room: RoomId, limit: number): Promise<void> {
    const joined = await reader.join(room, this.at, limit);
    if (!joined.recovered) this.messages = [];
    this.messages.push(...joined.messages);
    this.at = joined.at;
    if (joined.recovered) return;
    expect(joined.messages.length).toBeLessThanOrEqual(limit);
  }
}

describe('joining again and again', () => {
  test('a resume during which the position is trimmed is not believed', async () => {
    let recovered = 0;
    for (let quietTurns = 0; quietTurns < 160; quietTurns++) {
      const { log, reader } = start(18);
      for (let n = 0; n < 18; n++) say(log, ROOM);
      const at = { epoch: log.epoch, seq: 1, stamp: log.of(ROOM)[0]!.record.stamp };
      const joining = reader.join(ROOM, at, 10);
      for (let turn = 0; turn < quietTurns; turn++) await Promise.resolve();
      for (let n = 0; n < 6; n++) say(log, ROOM);
      const joined = await joining;
      const seqs = seqsOf(joined.messages);
      expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
      expect(seqs.at(-1)).toBe(joined.at.seq);
      if (joined.recovered) expect(seqs[0]).toBe(2);
      recovered += joined.recovered ? 1 : 0;
    }
    expect(recovered).toBeGreaterThan(0);
    expect(recovered).toBeLessThan(160);
  });

  test('a client never has a gap, whatever was said, trimmed, cut back or made anew in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(op, { maxLength: 40 }),
        fc.constantFrom(3, 7, 1_000),
        fc.nat(12),
        async (ops, maxPerRoom, turns) => {
          const { log, reader } = start(maxPerRoom);
          const clients = [new Client(), new Client(), new Client()];
          for (const one of ops) {
            if (one.op === 'say') for (let n = 0; n < one.count; n++) say(log, one.isOurs ? ROOM : 'other');
            else if (one.op === 'recreate') log.recreate();
            else if (one.op === 'cutBack') log.cutBack((log.stored.at(-1)?.seq ?? 0) - one.by);
            else if (one.op === 'wait') log.nowMs += 20_000;
            else {
              const client = clients[one.client]!;
              const joining = client.join(reader, ROOM, one.limit);
              for (let turn = 0; turn < turns; turn++) await Promise.resolve();
              if (turns % 2 === 1) say(log, ROOM);
              await joining;
              const upTo = log.of(ROOM).filter(({ seq }) => seq <= client.at!.seq);
              const have = client.messages.map(({ stamp }) => stamp);
              const there = upTo.map(({ record }) => record.stamp);
              // What the log has of it now is the end of what the client has, or the other way round.
              const common = Math.min(have.length, there.length);
              expect(have.slice(have.length - common)).toEqual(there.slice(there.length - common));
              if (there.length > 0) expect(have.length).toBeGreaterThan(0);
              for (const [index, message] of client.messages.entries()) {
                if (index > 0) expect(message.prev).toBe(client.messages[index - 1]!.seq);
              }
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
