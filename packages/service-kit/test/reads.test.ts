import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsBus } from '../src/nats/bus.ts';
import { serverAndBus } from './bus-fixture.ts';

let fixture: Awaited<ReturnType<typeof serverAndBus>>;
let bus: NatsBus;
/** Sequences of each subject as they were stored; `gone` are deleted from the stream again. */
const stored = new Map<string, number[]>();
const SUBJECTS = ['r.busy.log', 'r.rare.log', 'r.once.log'];
const BYTES = 20;

beforeAll(async () => {
  fixture = await serverAndBus();
  bus = fixture.bus;
  await bus.ensureStream({ name: 'R', subjects: ['r.*.log'], replicas: 1 });
  for (let i = 0; i < 600; i++) {
    const subject = i === 300 ? 'r.once.log' : i % 37 === 5 ? 'r.rare.log' : 'r.busy.log';
    const result = await bus.commit(subject, String(i).padStart(BYTES, '0'), {
      headers: { Number: String(i) },
    });
    if (result.kind !== 'stored') throw new Error(result.kind);
    stored.set(subject, [...(stored.get(subject) ?? []), result.seq]);
  }
  await bus.purgeSubject('R', 'r.busy.log', { belowSeq: 40 });
  stored.set(
    'r.busy.log',
    (stored.get('r.busy.log') ?? []).filter((seq) => seq >= 40),
  );
});
afterAll(() => fixture[Symbol.asyncDispose]());

const seqsOf = (subject: string) => stored.get(subject) ?? [];
const ALL = { limit: 10_000, maxBytes: 1e9 };

describe('single reads', () => {
  test('give the newest message of a subject with its headers and time', async () => {
    const message = await bus.lastMessage('R', 'r.rare.log');
    expect(message).toMatchObject({ subject: 'r.rare.log', seq: seqsOf('r.rare.log').at(-1) });
    expect(message?.header('Number')).toBe(String(Number(new TextDecoder().decode(message?.data))));
    expect(message?.header('Absent')).toBeUndefined();
    expect(Math.abs((message?.timeMs ?? 0) - Date.now())).toBeLessThan(600_000);
  });

  test('give nothing for a subject without messages, a deleted sequence and one beyond the end', async () => {
    expect(await bus.lastMessage('R', 'r.nothing.log')).toBeUndefined();
    expect(await bus.getMessage('R', 3)).toBeUndefined();
    expect(await bus.getMessage('R', 100_000)).toBeUndefined();
    expect(await bus.getMessage('R', 0)).toBeUndefined();
    expect((await bus.getMessage('R', 301))?.subject).toBe('r.once.log');
  });

  test('of the newest message are given up after the time of whoever asks', async () => {
    fixture.server.pause();
    try {
      await expect(bus.lastMessage('R', 'r.rare.log', 123)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('123 ms'),
      });
    } finally {
      fixture.server.resume();
    }
    expect((await bus.lastMessage('R', 'r.rare.log'))?.seq).toBe(seqsOf('r.rare.log').at(-1));
  });

  test('find the next message of a subject', async () => {
    const [first, second] = seqsOf('r.rare.log');
    expect((await bus.nextMessage('R', 'r.rare.log', 1))?.seq).toBe(first);
    expect((await bus.nextMessage('R', 'r.rare.log', (first ?? 0) + 1))?.seq).toBe(second);
    expect(await bus.nextMessage('R', 'r.once.log', 302)).toBeUndefined();
  });

  test('of a stream that does not exist are not_found', async () => {
    await expect(bus.lastMessage('NONE', 'x')).rejects.toMatchObject({ code: 'not_found' });
    await expect(bus.streamState('NONE')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('tell the last sequence of many subjects, 0 for those without any', async () => {
    const last = await bus.lastSequences('R', [...SUBJECTS, 'r.nothing.log'], 2);
    expect(Object.fromEntries(last)).toEqual({
      ...Object.fromEntries(SUBJECTS.map((subject) => [subject, seqsOf(subject).at(-1)])),
      'r.nothing.log': 0,
    });
  });

  test('know the stream’s state', async () => {
    const state = await bus.streamState('R');
    expect(state).toMatchObject({ lastSeq: 600, messages: [...stored.values()].flat().length });
    expect(state.created).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });
});

describe('a read of one subject', () => {
  test('gives exactly its messages in order, whatever lies between and however many there are', async () => {
    for (const subject of SUBJECTS) {
      const page = await bus.readSubject('R', subject, { fromSeq: 1, ...ALL });
      expect(page.messages.map(({ seq }) => seq)).toEqual(seqsOf(subject));
      expect(page.complete).toBe(true);
    }
  });

  test('of a subject without messages, or beyond its end, is empty and complete', async () => {
    expect(await bus.readSubject('R', 'r.nothing.log', { fromSeq: 1, ...ALL })).toEqual({
      messages: [],
      complete: true,
    });
    expect(await bus.readSubject('R', 'r.busy.log', { fromSeq: 601, ...ALL })).toEqual({
      messages: [],
      complete: true,
    });
    expect(await bus.readSubject('R', 'r.busy.log', { fromSeq: 50, toSeq: 49, ...ALL })).toEqual({
      messages: [],
      complete: true,
    });
  });

  const range = fc.record({
    subject: fc.constantFrom(...SUBJECTS),
    fromSeq: fc.integer({ min: 1, max: 620 }),
    toSeq: fc.option(fc.integer({ min: 1, max: 620 }), { nil: undefined }),
    limit: fc.integer({ min: 1, max: 120 }),
    maxBytes: fc.integer({ min: 1, max: 3_000 }),
  });

  test('is a prefix of what is stored in the range, cut only at its limits', async () => {
    await fc.assert(
      fc.asyncProperty(range, async ({ subject, fromSeq, toSeq, limit, maxBytes }) => {
        const wanted = seqsOf(subject).filter((seq) => seq >= fromSeq && seq <= (toSeq ?? 600));
        const size = Math.min(wanted.length, limit, Math.ceil(maxBytes / BYTES));
        const page = await bus.readSubject('R', subject, {
          fromSeq,
          limit,
          maxBytes,
          ...(toSeq !== undefined && { toSeq }),
        });
        expect(page.messages.map(({ seq }) => seq)).toEqual(wanted.slice(0, size));
        if (page.complete) expect(size).toBe(wanted.length);
        if (size < wanted.length) expect(page.complete).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});
