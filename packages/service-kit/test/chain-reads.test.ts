import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NatsBus } from '../src/nats/bus.ts';
import { openBus, serverAndBus } from './bus-fixture.ts';

const [LONG, PURGED, PLAIN] = ['c.long.log', 'c.purged.log', 'c.plain.log'] as const;
const LAST = 900;
const PURGED_BELOW = 100;
const ALL = { limit: 10_000, maxBytes: 1e8 };
const STREAM = 'CHAINS';
/** A user who may read the stream, and make no consumers. */
const USERS = `authorization { users: [
  { user: all, password: all }
  { user: reader, password: reader, permissions: {
    publish: ["$JS.API.STREAM.MSG.GET.>", "$JS.API.STREAM.INFO.>"], subscribe: ["_INBOX.>"] } }
] }`;

let fixture: Awaited<ReturnType<typeof serverAndBus>>;
let bus: NatsBus;
const stored = new Map<string, number[]>();
/** Requests to JetStream, by verb. */
const asked = new Map<string, number>();

beforeAll(async () => {
  fixture = await serverAndBus({ config: USERS }, { user: 'all', password: 'all' });
  bus = fixture.bus;
  await bus.ensureStream({ name: STREAM, subjects: ['c.*.log'], replicas: 1 });
  for (let n = 0; n < LAST; n++) await append(n % 3 === 0 ? PURGED : LONG);
  await bus.purgeSubject(STREAM, PURGED, { belowSeq: PURGED_BELOW });
  stored.set(
    PURGED,
    seqsOf(PURGED).filter((seq) => seq >= PURGED_BELOW),
  );
  for (let n = 0; n < 100; n++) await append(PLAIN, false);
  bus.subscribe('$JS.API.>', {}, ({ subject }) => {
    const verb = subject.split('.').slice(2, 4).join('.');
    asked.set(verb, (asked.get(verb) ?? 0) + 1);
  });
});
beforeEach(() => asked.clear());
afterAll(() => fixture[Symbol.asyncDispose]());

const seqsOf = (subject: string): number[] => stored.get(subject) ?? [];
const lastOf = (subject: string): number => seqsOf(subject).at(-1)!;
const sequences = (page: { readonly messages: readonly { readonly seq: number }[] }) =>
  page.messages.map(({ seq }) => seq);

async function append(subject: string, isChained = true): Promise<void> {
  const seqs = seqsOf(subject);
  const result = await bus.commit(subject, `record ${seqs.length}`, {
    headers: { Place: String(seqs.length) },
    ...(isChained && { expectedLastSubjectSeq: seqs.at(-1) ?? 0 }),
  });
  if (result.kind !== 'stored') throw new Error(result.kind);
  stored.set(subject, [...seqs, result.seq]);
}

async function deleteMessage(seq: number): Promise<void> {
  const decode = (value: unknown) => value as { readonly success: boolean };
  const subject = `$JS.API.STREAM.MSG.DELETE.${STREAM}`;
  expect(await bus.request(subject, { seq }, { timeoutMs: 5_000, decode })).toMatchObject({ success: true });
}

describe('a stretch of a chain', () => {
  test('is read without asking the leader for each message, and leaves no consumer behind', async () => {
    const page = await bus.readChain(STREAM, LONG, { fromSeq: 0, toSeq: lastOf(LONG), ...ALL });
    expect(sequences(page)).toEqual(seqsOf(LONG));
    expect(page.complete).toBe(true);
    await bus.flush();
    expect(Object.fromEntries(asked)).toEqual({
      'CONSUMER.CREATE': 1,
      'CONSUMER.MSG': 1,
      'CONSUMER.DELETE': 1,
    });
    const { messages } = await bus.readSubject(STREAM, LONG, { fromSeq: 1, toSeq: lastOf(LONG), ...ALL });
    const told = (all: typeof messages) =>
      all.map(({ subject, seq, timeMs, data, header }) => ({
        ...{ subject, seq, timeMs },
        text: Buffer.from(data).toString(),
        place: header('Place'),
        absent: header('Absent'),
      }));
    expect(told(page.messages)).toEqual(told(messages));
  });

  const range = fc.record({
    subject: fc.constantFrom(LONG, PURGED, PLAIN),
    from: fc.integer({ min: 1, max: LAST }),
    to: fc.nat(),
    limit: fc.integer({ min: 2, max: 500 }),
    maxBytes: fc.integer({ min: 2_000, max: 20_000 }),
  });

  test('begins at its first message and has no hole, whatever its limits cut off', async () => {
    const property = fc.asyncProperty(range, async ({ subject, from, to, limit, maxBytes }) => {
      const seqs = seqsOf(subject);
      const toSeq = seqs[to % seqs.length]!;
      const fromSeq = Math.min(from, toSeq);
      const wanted = seqs.filter((seq) => seq >= fromSeq && seq <= toSeq);
      const page = await bus.readChain(STREAM, subject, { fromSeq, toSeq, limit, maxBytes });
      expect(page.messages.length).toBeGreaterThanOrEqual(Math.min(wanted.length, 2));
      expect(page.messages.length).toBeLessThanOrEqual(limit);
      expect(sequences(page)).toEqual(wanted.slice(0, page.messages.length));
      if (page.complete) expect(page.messages.length).toBe(wanted.length);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  test('that was not appended as a chain is read from the leader', async () => {
    const page = await bus.readChain(STREAM, PLAIN, { fromSeq: 1, toSeq: lastOf(PLAIN), ...ALL });
    expect(sequences(page)).toEqual(seqsOf(PLAIN));
    expect(asked.get('STREAM.MSG')).toBeGreaterThanOrEqual(seqsOf(PLAIN).length);
  });

  test('ends before a hole; what lies behind it is for the leader to say', async () => {
    const subject = 'c.holed.log';
    for (let n = 0; n < 80; n++) await append(subject);
    const seqs = seqsOf(subject);
    await deleteMessage(seqs[40]!);
    const before = await bus.readChain(STREAM, subject, { fromSeq: 1, toSeq: seqs[79]!, ...ALL });
    expect(sequences(before)).toEqual(seqs.slice(0, 40));
    expect(before.complete).toBe(false);
    asked.clear();
    const behind = await bus.readChain(STREAM, subject, { fromSeq: seqs[39]!, toSeq: seqs[79]!, ...ALL });
    expect(sequences(behind)).toEqual([seqs[39], ...seqs.slice(41)]);
    expect(asked.get('STREAM.MSG')).toBeGreaterThan(39);
  });

  test('comes from the leader for a user who may make no consumers', async () => {
    const { bus: reader } = await openBus(fixture.server.url, { user: 'reader', password: 'reader' });
    const page = await reader.readChain(STREAM, LONG, { fromSeq: 1, toSeq: lastOf(LONG), ...ALL });
    expect(sequences(page)).toEqual(seqsOf(LONG));
    await reader.drain(500);
  });

  test('of a stream that does not exist is not_found', async () => {
    const read = bus.readChain('NONE', LONG, { fromSeq: 1, toSeq: 100, ...ALL });
    await expect(read).rejects.toMatchObject({ code: 'not_found' });
  });
});
