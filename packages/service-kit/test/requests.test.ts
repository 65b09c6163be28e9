import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsBus } from '../src/nats/bus.ts';
import { BusError, ReplyError } from '../src/nats/errors.ts';
import { asIs, openBus, serverAndBus } from './bus-fixture.ts';

let fixture: Awaited<ReturnType<typeof serverAndBus>>;
let bus: NatsBus;

beforeAll(async () => {
  fixture = await serverAndBus();
  bus = fixture.bus;
});
afterAll(() => fixture[Symbol.asyncDispose]());

let counter = 0;
const subject = () => `ask.${++counter}`;

function decodeNumber(value: unknown): { n: number } {
  const { n } = value as { n?: unknown };
  if (typeof n !== 'number') throw new TypeError('n must be a number');
  return { n };
}

async function failure(work: Promise<unknown>): Promise<BusError> {
  const cause = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(cause).toBeInstanceOf(BusError);
  return cause as BusError;
}

describe('a request', () => {
  test('is answered with what the handler returns, marked ok', async () => {
    const to = subject();
    await using _handler = bus.handle(to, { decode: decodeNumber }, ({ n }) => ({ doubled: n * 2 }));
    expect(await bus.request(to, { n: 21 }, { timeoutMs: 2_000, decode: asIs })).toEqual({
      ok: true,
      doubled: 42,
    });
  });

  test('may carry bytes both ways', async () => {
    const to = subject();
    await using _handler = bus.handle(to, { decodeBytes: (data) => Uint8Array.from(data) }, (data) =>
      data.toReversed(),
    );
    const answer = await bus.request(to, Uint8Array.of(1, 2, 255), {
      timeoutMs: 2_000,
      decodeBytes: (data) => [...data],
    });
    expect(answer).toEqual([255, 2, 1]);
  });

  test('whose handler refuses is thrown with the refusal’s code and words', async () => {
    const to = subject();
    await using _handler = bus.handle(to, { decode: asIs }, () => {
      throw new ReplyError('not_member', 'you are not in this room');
    });
    const json = await failure(bus.request(to, {}, { timeoutMs: 2_000, decode: asIs }));
    expect(json).toMatchObject({
      code: 'remote',
      remote: { code: 'not_member', message: 'you are not in this room' },
    });
    const bytes = await failure(bus.request(to, {}, { timeoutMs: 2_000, decodeBytes: asIs }));
    expect(bytes).toMatchObject({ code: 'remote', remote: { code: 'not_member' } });
  });

  test('that cannot be decoded is answered bad_request without an echo of the body', async () => {
    const to = subject();
    await using _handler = bus.handle(to, { decode: decodeNumber }, () => ({}));
    expect(await failure(bus.request(to, { n: 'x' }, { timeoutMs: 2_000, decode: asIs }))).toMatchObject({
      remote: { code: 'bad_request', message: 'n must be a number' },
    });
    const garbage = await failure(bus.request(to, 'canary-not-json', { timeoutMs: 2_000, decode: asIs }));
    expect(garbage).toMatchObject({ remote: { code: 'bad_request' } });
    expect(String(garbage)).not.toContain('canary');
  });

  test('whose answer has another shape than agreed is bad_reply', async () => {
    const to = subject();
    await using _handler = bus.handle(to, { decode: asIs }, () => ({ n: 'text' }));
    expect(await failure(bus.request(to, {}, { timeoutMs: 2_000, decode: decodeNumber }))).toMatchObject({
      code: 'bad_reply',
    });
  });

  test('that nobody answers is no_responders at once', async () => {
    expect(await failure(bus.request(subject(), {}, { timeoutMs: 20_000, decode: asIs }))).toMatchObject({
      code: 'no_responders',
    });
  });

  test('that is answered too late is unavailable', async () => {
    const to = subject();
    const answer = Promise.withResolvers<object>();
    await using _handler = bus.handle(to, { decode: asIs }, () => answer.promise);
    expect(await failure(bus.request(to, {}, { timeoutMs: 50, decode: asIs }))).toMatchObject({
      code: 'unavailable',
    });
    answer.resolve({});
  });

  test('to a subject that breaks the protocol is invalid and not sent', async () => {
    expect(await failure(bus.request('a\r\nPUB b 0', {}, { timeoutMs: 500, decode: asIs }))).toMatchObject({
      code: 'invalid',
    });
    expect(() => bus.publish('a b', 'x')).toThrow(BusError);
  });

  test('hands its trace and headers to the handler', async () => {
    const to = subject();
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await using _handler = bus.handle(to, { decode: asIs }, (_input, message) => ({
      trace: message.trace,
      room: message.header('Room'),
    }));
    const answer = await bus.request(
      to,
      {},
      { timeoutMs: 2_000, trace, headers: { Room: 'r1' }, decode: asIs },
    );
    expect(answer).toEqual({ ok: true, trace, room: 'r1' });
  });

  test('fails at once when its connection is lost', async () => {
    await using own = await serverAndBus();
    const answer = Promise.withResolvers<object>();
    own.bus.handle('slow', { decode: asIs }, () => answer.promise);
    const waiting = failure(own.bus.request('slow', {}, { timeoutMs: 25_000, decode: asIs }));
    await own.bus.flush();
    await own.server.kill();
    expect(await waiting).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('connection was lost'),
    });
    answer.resolve({});
  });

  test('beyond the bound of waiting ones fails at once', async () => {
    const small = await openBus(fixture.server.url, { maxPendingRequests: 2 });
    const to = subject();
    const answer = Promise.withResolvers<object>();
    await using _handler = bus.handle(to, { decode: asIs }, () => answer.promise);
    // The questions come over another connection.
    await bus.flush();
    const ask = () => small.bus.request(to, {}, { timeoutMs: 10_000, decode: asIs });
    const first = Promise.all([ask(), ask()]);
    expect(await failure(ask())).toMatchObject({ code: 'unavailable' });
    answer.resolve({});
    await first;
    await small.bus.drain();
  });
});
