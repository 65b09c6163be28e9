import { roomId } from '@breakwater/bus';
import { describe, expect, test } from 'vitest';
import { ModelLog } from '../../test/model-log.ts';
import { RecentIds } from './recent-ids.ts';

const ROOM = roomId('general');
const LIMITS = { maxMessagesPerRoom: 1_000, maxLookupRecords: 100, maxSpanMs: 100_000, maxIds: 50 };

let stamps = 0;
function say(log: ModelLog, room: string, msg: string): number {
  stamps += 1;
  return log.put(room, {
    kind: 'message',
    stamp: `s${stamps}`,
    time: 1,
    user: 'ann',
    name: 'ann',
    msg,
    text: 'x',
  });
}

describe('recent ids', () => {
  test('one look reads what is young enough, the next one only what came since', async () => {
    const log = new ModelLog();
    const ids = new RecentIds(log, LIMITS);
    for (let n = 0; n < 80; n++) {
      log.nowMs += 1_000;
      say(log, ROOM, `m${n}`);
      say(log, 'other', `m${n}`);
    }
    const sinceMs = log.nowMs - 10_000;
    expect(await ids.find(ROOM, 'ann', 'm75', sinceMs)).toMatchObject({ kind: 'found', seq: 151 });
    expect(await ids.find(ROOM, 'ann', 'm10', sinceMs)).toMatchObject({ kind: 'absent' });
    expect(ids.size).toBeLessThan(15);
    const tailSeq = say(log, ROOM, 'new');
    log.reads = 0;
    expect(await ids.find(ROOM, 'bob', 'new', sinceMs)).toEqual({ kind: 'absent', tailSeq });
    expect(await ids.find(ROOM, 'ann', 'new', sinceMs)).toEqual({ kind: 'found', seq: tailSeq });
    expect(log.reads).toBeLessThan(20);
    expect(await ids.find(ROOM, 'ann', 'm10', log.nowMs - 75_000)).toMatchObject({ kind: 'found', seq: 21 });
  });

  test('memory is bounded over rooms, and in one room over time', async () => {
    const log = new ModelLog();
    const ids = new RecentIds(log, LIMITS);
    for (let room = 0; room < 10; room++) {
      for (let n = 0; n < 20; n++) say(log, `room-${room}`, `m${n}`);
      await ids.find(roomId(`room-${room}`), 'ann', 'm1', log.nowMs);
      expect(ids.size).toBeLessThanOrEqual(50);
    }
    for (let n = 0; n < 1_000; n++) {
      log.nowMs += 1_000;
      say(log, ROOM, `m${n}`);
      if (n % 10 === 0) await ids.find(ROOM, 'ann', 'm1', log.nowMs - 20_000);
      expect(ids.size).toBeLessThanOrEqual(150);
    }
    expect(await ids.find(ROOM, 'ann', 'm995', log.nowMs - 20_000)).toMatchObject({ kind: 'found' });
  });

  test('a look that would read too much is refused as busy, not guessed', async () => {
    const log = new ModelLog();
    const ids = new RecentIds(log, LIMITS);
    for (let n = 0; n < 1_200; n++) say(log, ROOM, `m${n}`);
    await expect(ids.find(ROOM, 'ann', 'm1', log.nowMs - 10_000)).rejects.toMatchObject({ code: 'busy' });
  });
});
