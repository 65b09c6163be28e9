import { encodeGameRecord, GAME_STREAM_RESERVE } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { describe, expect, it } from 'vitest';
import { RoomyLog, StreamRoom } from './log-room.ts';
import type { LogPort } from './ports.ts';

const head = { epoch: 1, nonce: 'nonce', n: 1 };
const parts = { shared: new Uint8Array(), server: new Uint8Array(), slices: [] };
const delta = encodeGameRecord({ kind: 'delta', ...head, tick: 1, parts });
const whole = encodeGameRecord({ kind: 'delta', ...head, tick: 1, parts, isWhole: true });
const end = encodeGameRecord({ kind: 'end', ...head, reason: 'over' });
const claim = encodeGameRecord({
  kind: 'claim',
  ...head,
  pod: 'pod',
  type: 'lab',
  schemaVersion: 1,
  details: '{}',
});

/** A log that stores everything, and knows how much that is. */
function roomy(maxRecords: number, stream: { isShort: boolean } = { isShort: false }) {
  const state = { stored: 0, counts: 0, isDown: false };
  const log: LogPort = {
    append: async () => ({ kind: 'stored', seq: ++state.stored }),
    tail: async () => undefined,
    read: async () => [],
    purgeBelow: async () => undefined,
  };
  const count = async () => {
    state.counts += 1;
    if (state.isDown) throw new Error('no answer');
    return state.stored;
  };
  const room = new RoomyLog(log, { maxRecords, count, stream });
  return {
    state,
    append: async (bytes: Uint8Array, expectedSeq = 1) => (await room.append(bytes, expectedSeq)).kind,
  };
}

describe('a log with room for claims', () => {
  it('takes deltas up to its limit, and beyond it only what a takeover has to store', async () => {
    const { state, append } = roomy(5);
    for (let n = 0; n < 5; n++) expect(await append(delta)).toBe('stored');
    for (let n = 0; n < 3; n++) expect(await append(delta)).toBe('full');
    for (const bytes of [claim, end, whole]) expect(await append(bytes)).toBe('stored');
    expect(state.stored).toBe(8);
  });

  it('knows what was there before its owner came', async () => {
    const { state, append } = roomy(100);
    state.stored = 98;
    const kinds = [];
    for (let n = 0; n < 10; n++) kinds.push(await append(delta));
    expect(kinds.filter((kind) => kind === 'full').length).toBeGreaterThan(0);
    expect(state.stored - 100).toBeLessThan(GAME_STREAM_RESERVE.records / 8);
  });

  it('takes deltas again as soon as it was purged, and does not ask how long it is at each of them', async () => {
    const { state, append } = roomy(1_000);
    for (let n = 0; n < 1_000; n++) await append(delta);
    expect(await append(delta)).toBe('full');
    state.stored = 10;
    for (let n = 0; n < 500; n++) expect(await append(delta)).toBe('stored');
    expect(state.counts).toBeLessThan(5);
  });

  it('is in doubt, and takes nothing, when it cannot be asked at its limit', async () => {
    const { state, append } = roomy(5);
    for (let n = 0; n < 5; n++) await append(delta);
    state.isDown = true;
    expect(await append(delta)).toBe('doubt');
    expect(state.stored).toBe(5);
    state.isDown = false;
    expect(await append(delta)).toBe('full');
  });

  it('leaves the last of a stream that others have filled to claims', async () => {
    const stream = { isShort: true };
    const { append } = roomy(100, stream);
    expect(await append(delta)).toBe('full');
    for (const bytes of [claim, end, whole]) expect(await append(bytes)).toBe('stored');
    stream.isShort = false;
    expect(await append(delta)).toBe('stored');
  });

  it('begins no new game in the last of its stream', async () => {
    const stream = { isShort: true };
    const { state, append } = roomy(100, stream);
    expect(await append(claim, 0)).toBe('full');
    expect(state.stored).toBe(0);
    expect(await append(claim, 7)).toBe('stored');
    stream.isShort = false;
    expect(await append(claim, 0)).toBe('stored');
  });
});

describe('the room of a stream', () => {
  it('is short from its reserve on, and looked at more often the fuller it is', async () => {
    const clock = new FakeClock();
    const state = { bytes: 0, looks: 0 };
    const bytes = async () => {
      state.looks += 1;
      return state.bytes;
    };
    const room = new StreamRoom({ clock, maxBytes: 1_600, bytes });
    const isShortAfter = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        void room.isShort;
        await clock.advanceAsync(100);
      }
      return room.isShort;
    };
    expect(await isShortAfter(30_000)).toBe(false);
    expect(state.looks).toBeLessThanOrEqual(4);
    state.bytes = 1_499;
    expect(await isShortAfter(11_000)).toBe(false);
    state.bytes = 1_500;
    expect(await isShortAfter(2_000)).toBe(true);
    state.bytes = 100;
    expect(await isShortAfter(2_000)).toBe(false);
  });
});
