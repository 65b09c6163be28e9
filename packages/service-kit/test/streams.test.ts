import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsBus } from '../src/nats/bus.ts';
import type { StreamDefinition } from '../src/nats/definitions.ts';
import { StreamMismatchError } from '../src/nats/errors.ts';
import { configDifferences, toWireConfig } from '../src/nats/streams.ts';
import { serverAndBus } from './bus-fixture.ts';

let fixture: Awaited<ReturnType<typeof serverAndBus>>;
let bus: NatsBus;

beforeAll(async () => {
  fixture = await serverAndBus();
  bus = fixture.bus;
});
afterAll(() => fixture[Symbol.asyncDispose]());

let counter = 0;
function define(extra: Partial<StreamDefinition> = {}): StreamDefinition {
  counter += 1;
  const at = `t${counter}`;
  return {
    name: `T${counter}`,
    subjects: [`${at}.*.log`],
    republish: { src: `${at}.*.log`, dest: `${at}.{{wildcard(1)}}.feed` },
    maxMsgsPerSubject: 100,
    discardNewPerSubject: true,
    maxAgeMs: 60_000,
    maxBytes: 10_000_000,
    replicas: 1,
    ...extra,
  };
}

describe('the owner of a stream', () => {
  test('creates it with every property and finds it unchanged the second time', async () => {
    const definition = define();
    await bus.ensureStream(definition);
    const { created } = await bus.streamState(definition.name);
    await bus.ensureStream(definition);
    await bus.checkStream(definition);
    expect((await bus.streamState(definition.name)).created).toBe(created);
  });

  test('changes its limits and keeps its messages', async () => {
    const definition = define();
    await bus.ensureStream(definition);
    await bus.commit(`t${counter}.a.log`, 'x');
    await bus.ensureStream({ ...definition, maxBytes: 20_000_000, maxMsgsPerSubject: 200 });
    expect(await bus.streamState(definition.name)).toMatchObject({ messages: 1 });
    await bus.checkStream({ ...definition, maxBytes: 20_000_000 });
  });

  test('may be several processes at once', async () => {
    const definition = define();
    await Promise.all(Array.from({ length: 8 }, () => bus.ensureStream(definition)));
    await bus.checkStream(definition);
  });

  test('is told when the server refuses a change', async () => {
    const definition = define();
    await bus.ensureStream(definition);
    await expect(bus.ensureStream({ ...definition, storage: 'memory' })).rejects.toMatchObject({
      code: 'remote',
      remote: { code: 'js_10052' },
    });
  });

  test('keeps the duplicate window within the age limit', async () => {
    const definition = define({ maxAgeMs: 5_000 });
    await bus.ensureStream(definition);
    await bus.checkStream(definition);
  });
});

describe('a process that does not own the stream', () => {
  test('hears not_found while the owner has not made it', async () => {
    await expect(bus.checkStream(define())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('does not mind sizes, which are the owner’s business', async () => {
    const definition = define();
    await bus.ensureStream(definition);
    await bus.checkStream({
      ...definition,
      maxBytes: 5,
      maxMsgsPerSubject: 7,
      maxAgeMs: 1_000,
      duplicateWindowMs: 500,
    });
  });

  test.each([
    ['no feed', { republish: { src: 'x', dest: 'y' } }, 'republish'],
    [
      'an old message dropped for a new one',
      { discard: 'old' as const, discardNewPerSubject: false },
      'discard',
    ],
    ['reads from followers', { allowDirect: true }, 'allow_direct'],
    ['other subjects', { subjects: ['other.*'] }, 'subjects'],
  ])('refuses %s', async (_what, difference, field) => {
    const definition = define();
    await bus.ensureStream(definition);
    const wanted = { ...definition, ...difference };
    await expect(bus.checkStream(wanted)).rejects.toThrow(StreamMismatchError);
    await expect(bus.checkStream(wanted)).rejects.toThrow(field);
  });
});

describe('what is read back (fault 29)', () => {
  test('names a property that an older server silently dropped', () => {
    const wanted = toWireConfig(define());
    const { republish: _republish, discard_new_per_subject: _discard, ...old } = wanted;
    expect(configDifferences(wanted, old)).toEqual([
      'discard_new_per_subject is unset instead of true',
      expect.stringMatching(/^republish is unset instead of \{"src":"t\d+\.\*\.log"/),
    ]);
  });

  test('treats the server’s ways of saying "no limit" alike', () => {
    const wanted = toWireConfig(define({ maxBytes: 0, maxAgeMs: 0 }));
    const { max_age: _age, max_msgs: _msgs, allow_direct: _direct, ...said } = wanted;
    expect(
      configDifferences(wanted, {
        ...said,
        max_bytes: -1,
        max_msg_size: 0,
        republish: { src: 't', ...(said.republish as object) },
      }),
    ).toEqual([]);
  });
});

describe('purging a subject', () => {
  test('below a sequence deletes only that subject’s older messages', async () => {
    const definition = define();
    await bus.ensureStream(definition);
    const subject = (id: string) => `t${counter}.${id}.log`;
    for (let i = 0; i < 4; i++) for (const id of ['a', 'b']) await bus.commit(subject(id), `${i}`);
    expect(await bus.purgeSubject(definition.name, subject('a'), { belowSeq: 5 })).toBe(2);
    const seqsOf = async (id: string) =>
      (
        await bus.readSubject(definition.name, subject(id), { fromSeq: 1, limit: 10, maxBytes: 1e6 })
      ).messages.map(({ seq }) => seq);
    expect(await seqsOf('a')).toEqual([5, 7]);
    expect(await seqsOf('b')).toEqual([2, 4, 6, 8]);
    expect(await bus.purgeSubject(definition.name, subject('b'), { keep: 1 })).toBe(3);
    expect(await seqsOf('b')).toEqual([8]);
  });
});

describe('the feed of a stream', () => {
  test('brings each stored message with its sequence and the one before it on its subject', async () => {
    const definition = define();
    await bus.ensureStream(definition);
    const heard: string[] = [];
    const done = Promise.withResolvers<void>();
    await using _feed = bus.subscribe(`t${counter}.*.feed`, {}, (message) => {
      heard.push(
        `${message.subject.split('.')[1]} ${message.header('Nats-Sequence')}<-${message.header('Nats-Last-Sequence')} ${message.header('Stamp')}`,
      );
      if (heard.length === 4) done.resolve();
    });
    await bus.flush();
    for (const id of ['a', 'b', 'a', 'b'])
      await bus.commit(`t${counter}.${id}.log`, 'x', { headers: { Stamp: id } });
    await done.promise;
    expect(heard).toEqual(['a 1<-0 a', 'b 2<-0 b', 'a 3<-1 a', 'b 4<-2 b']);
  });
});
