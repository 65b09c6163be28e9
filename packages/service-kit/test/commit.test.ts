import { eventually, type NatsServer } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsBus } from '../src/nats/bus.ts';
import { classifyPubAck } from '../src/nats/commit.ts';
import { openBus, serverAndBus } from './bus-fixture.ts';

let fixture: Awaited<ReturnType<typeof serverAndBus>>;
let bus: NatsBus;
let server: NatsServer;

beforeAll(async () => {
  fixture = await serverAndBus();
  ({ bus, server } = fixture);
});
afterAll(() => fixture[Symbol.asyncDispose]());

let counter = 0;
/** A stream of its own for each test. */
async function stream(limits: Partial<Parameters<NatsBus['ensureStream']>[0]> = {}) {
  counter += 1;
  const name = `S${counter}`;
  await bus.ensureStream({ name, subjects: [`s${counter}.*.log`], replicas: 1, ...limits });
  return { name, subject: (id: string) => `s${counter}.${id}.log` };
}

describe('an append', () => {
  test('is stored when the subject stands where it was expected', async () => {
    const { subject, name } = await stream();
    expect(await bus.commit(subject('a'), { n: 1 }, { expectedLastSubjectSeq: 0 })).toEqual({
      kind: 'stored',
      seq: 1,
      duplicate: false,
    });
    expect(await bus.commit(subject('b'), { n: 1 }, { expectedLastSubjectSeq: 0 })).toEqual({
      kind: 'stored',
      seq: 2,
      duplicate: false,
    });
    expect(await bus.commit(subject('a'), { n: 2 }, { expectedLastSubjectSeq: 1 })).toEqual({
      kind: 'stored',
      seq: 3,
      duplicate: false,
    });
    expect((await bus.streamState(name)).messages).toBe(3);
  });

  test('is refused, and not stored, when the subject stands elsewhere', async () => {
    const { subject, name } = await stream();
    await bus.commit(subject('a'), { n: 1 });
    expect(await bus.commit(subject('a'), { n: 2 }, { expectedLastSubjectSeq: 0 })).toEqual({
      kind: 'refused',
      lastSeq: 1,
    });
    expect((await bus.streamState(name)).messages).toBe(1);
  });

  test('with a known id is stored once and says so', async () => {
    const { subject, name } = await stream();
    const first = await bus.commit(subject('a'), { n: 1 }, { msgId: 'a:1' });
    const second = await bus.commit(subject('a'), { n: 1 }, { msgId: 'a:1' });
    expect(first).toEqual({ kind: 'stored', seq: 1, duplicate: false });
    expect(second).toEqual({ kind: 'stored', seq: 1, duplicate: true });
    expect((await bus.streamState(name)).messages).toBe(1);
  });

  test('by 20 at once with the same expectation is stored for exactly one', async () => {
    const { subject } = await stream();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => bus.commit(subject('a'), { i }, { expectedLastSubjectSeq: 0 })),
    );
    expect(results.filter(({ kind }) => kind === 'stored')).toHaveLength(1);
    expect(results.filter(({ kind }) => kind === 'refused')).toHaveLength(19);
  });

  test.each([
    [
      'the subject is full',
      { maxMsgsPerSubject: 2, discardNewPerSubject: true },
      'maximum messages per subject exceeded',
    ],
    ['the stream has its count', { maxMsgs: 2 }, 'maximum messages exceeded'],
    ['the stream has its bytes', { maxBytes: 200 }, 'maximum bytes exceeded'],
  ])('says full when %s', async (_what, limits, reason) => {
    const { subject, name } = await stream(limits);
    const body = 'x'.repeat(40);
    const results = [];
    for (let i = 0; i < 4; i++) results.push(await bus.commit(subject('a'), body));
    expect(results.at(0)).toMatchObject({ kind: 'stored' });
    expect(results.at(-1)).toEqual({ kind: 'full', reason });
    const { messages, firstSeq } = await bus.streamState(name);
    expect(messages).toBe(results.filter(({ kind }) => kind === 'stored').length);
    expect(firstSeq).toBe(1);
  });

  test('to a full subject leaves the others of the stream alone', async () => {
    const { subject } = await stream({ maxMsgsPerSubject: 1, discardNewPerSubject: true });
    await bus.commit(subject('a'), { n: 1 });
    expect(await bus.commit(subject('a'), { n: 2 })).toMatchObject({ kind: 'full' });
    expect(await bus.commit(subject('b'), { n: 1 })).toMatchObject({ kind: 'stored' });
  });

  test('that is too large for the server or the stream is invalid', async () => {
    const { subject } = await stream({ maxMsgBytes: 1_000 });
    expect(await bus.commit(subject('a'), 'x'.repeat(2_000))).toMatchObject({ kind: 'invalid' });
    expect(await bus.commit(subject('a'), new Uint8Array(bus.maxPayloadBytes + 1))).toMatchObject({
      kind: 'invalid',
    });
  });

  test('with a subject or header that would break the protocol is invalid, not sent', async () => {
    const { subject, name } = await stream();
    expect(await bus.commit(`${subject('a')}\r\nPUB evil 0`, 'x')).toMatchObject({ kind: 'invalid' });
    expect(await bus.commit(subject('a'), 'x', { headers: { Trace: 'a\r\nNats-Msg-Id: 1' } })).toMatchObject({
      kind: 'invalid',
    });
    expect((await bus.streamState(name)).messages).toBe(0);
  });

  test('where no stream listens is in doubt: the stream may only be away', async () => {
    expect(await bus.commit('nothing.listens', 'x')).toMatchObject({
      kind: 'doubt',
      cause: expect.stringContaining('no_responders'),
    });
  });
});

describe('an append whose answer is lost', () => {
  test('is in doubt while the server is stopped, and stored when it goes on (SIGSTOP)', async () => {
    const { subject, name } = await stream();
    server.pause();
    const result = await bus.commit(subject('a'), { n: 1 }, { expectedLastSubjectSeq: 0, timeoutMs: 300 });
    server.resume();
    expect(result).toMatchObject({ kind: 'doubt', cause: expect.stringContaining('unavailable') });
    await eventually(async () => expect((await bus.lastMessage(name, subject('a')))?.seq).toBe(1));
    expect(await bus.commit(subject('a'), { n: 1 }, { expectedLastSubjectSeq: 0 })).toEqual({
      kind: 'refused',
      lastSeq: 1,
    });
  });

  test('is in doubt at once when the server is killed, and nothing acknowledged is missing after its restart', async () => {
    const { subject, name } = await stream();
    const acked = new Set<number>();
    let stop = false;
    const doubts: string[] = [];
    const writer = async () => {
      for (let n = 0; !stop; n++) {
        const result = await bus.commit(subject('a'), { n }, { timeoutMs: 2_000 });
        if (result.kind === 'stored') acked.add(result.seq);
        else if (result.kind === 'doubt') doubts.push(result.cause);
        if (result.kind !== 'stored') await eventually(() => bus.isConnected, { timeoutMs: 15_000 });
      }
    };
    const writing = Promise.all([writer(), writer(), writer()]);
    await eventually(() => expect(acked.size).toBeGreaterThan(50));
    await server.restart();
    const before = acked.size;
    await eventually(() => expect(acked.size).toBeGreaterThan(before + 50), { timeoutMs: 20_000 });
    stop = true;
    await writing;
    expect(doubts.length).toBeGreaterThan(0);
    const { messages } = await bus.readSubject(name, subject('a'), {
      fromSeq: 1,
      limit: 100_000,
      maxBytes: 1e9,
    });
    const stored = new Set(messages.map(({ seq }) => seq));
    expect([...acked].filter((seq) => !stored.has(seq))).toEqual([]);
  });
});

describe('while the connection is lost', () => {
  test('an append is in doubt, a publish says false and a request fails, all at once', async () => {
    await using own = await serverAndBus();
    await own.bus.ensureStream({ name: 'GONE', subjects: ['gone.*'], replicas: 1 });
    await own.server.kill();
    await eventually(() => expect(own.bus.isConnected).toBe(false));
    const begun = performance.now();
    expect(own.bus.publish('x', 'y')).toBe(false);
    expect(own.metric('breakwater_nats_unsent_total')).toBe(1);
    expect(await own.bus.commit('gone.a', 'x', { timeoutMs: 20_000 })).toMatchObject({
      kind: 'doubt',
      cause: expect.stringContaining('not connected'),
    });
    await expect(
      own.bus.request('x', 'y', { timeoutMs: 20_000, decode: (value) => value }),
    ).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - begun).toBeLessThan(15_000);
    await own.server.restart();
    await eventually(() => expect(own.bus.isConnected).toBe(true), { timeoutMs: 15_000 });
    expect(await own.bus.commit('gone.a', 'x')).toMatchObject({ kind: 'stored' });
    expect(own.metric('breakwater_nats_reconnects_total')).toBe(1);
  });
});

describe('the acknowledgement', () => {
  const ack = (value: unknown) =>
    classifyPubAck(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
  const error = (code: number, errCode: number, description: string) =>
    ack({ error: { code, err_code: errCode, description } });

  test.each([
    ['no JSON', ack('not json'), 'doubt'],
    ['empty', ack(''), 'doubt'],
    ['no sequence', ack({ stream: 'S' }), 'doubt'],
    ['another append in process (10164)', error(400, 10164, 'wrong last sequence'), 'doubt'],
    ['the same id in process (10158)', error(400, 10158, 'duplicate message id is in process'), 'doubt'],
    ['the server leaves (10163)', error(503, 10163, 'server is shutting down'), 'doubt'],
    ['the stream has no leader', error(503, 10008, 'JetStream system temporarily unavailable'), 'doubt'],
    ['the disk fails', error(503, 10077, 'error writing: input/output error'), 'doubt'],
    ['an account at its limit', error(400, 10002, 'resource limits exceeded for account'), 'full'],
    ['no room for the store', error(500, 10047, 'insufficient storage resources available'), 'full'],
  ])('%s: %j is %s', (_what, result, kind) => {
    expect(result.kind).toBe(kind);
  });
});

test('a second connection sees at once what the first one stored', async () => {
  const { subject, name } = await stream();
  await bus.commit(subject('a'), { n: 1 });
  const other = await openBus(server.url);
  expect((await other.bus.lastMessage(name, subject('a')))?.seq).toBe(1);
  await other.bus.drain();
});
