import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsBus } from '../src/nats/bus.ts';
import { BusError } from '../src/nats/errors.ts';
import { asIs, openBus, serverAndBus } from './bus-fixture.ts';

let fixture: Awaited<ReturnType<typeof serverAndBus>>;
let bus: NatsBus;

beforeAll(async () => {
  fixture = await serverAndBus();
  bus = fixture.bus;
});
afterAll(() => fixture[Symbol.asyncDispose]());

let counter = 0;
const subject = () => `handle.${++counter}`;

async function failure(work: Promise<unknown>): Promise<BusError> {
  const cause = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(cause).toBeInstanceOf(BusError);
  return cause as BusError;
}

describe('a handler that throws or rejects (fault 19)', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('canary-inside');
      },
    ],
    ['rejects', () => Promise.reject(new Error('canary-inside'))],
    [
      'throws no error',
      () => {
        throw 'canary-inside';
      },
    ],
  ])(
    'that %s gives one error answer and one count, and the next request is answered',
    async (_what, fail) => {
      const own = await openBus(fixture.server.url);
      const to = subject();
      let poison = true;
      own.bus.handle(to, { decode: asIs }, () => (poison ? (fail() as Promise<object>) : { fine: true }));
      await own.bus.flush();
      const refused = await failure(bus.request(to, {}, { timeoutMs: 2_000, decode: asIs }));
      expect(refused).toMatchObject({ code: 'remote', remote: { code: 'internal' } });
      expect(String(refused)).not.toContain('canary');
      expect(own.metric('breakwater_handler_errors_total')).toBe(1);
      poison = false;
      expect(await bus.request(to, {}, { timeoutMs: 2_000, decode: asIs })).toEqual({ ok: true, fine: true });
      await own.bus.drain();
    },
  );

  test('that returns what cannot be sent gives an answer all the same', async () => {
    const own = await openBus(fixture.server.url);
    const to = subject();
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    own.bus.handle(to, { decode: asIs }, (input) =>
      (input as { big?: boolean }).big ? new Uint8Array(own.bus.maxPayloadBytes + 1) : circle,
    );
    await own.bus.flush();
    expect(await failure(bus.request(to, {}, { timeoutMs: 2_000, decode: asIs }))).toMatchObject({
      remote: { code: 'internal' },
    });
    expect(await failure(bus.request(to, { big: true }, { timeoutMs: 2_000, decode: asIs }))).toMatchObject({
      remote: { code: 'internal' },
    });
    expect(own.metric('breakwater_handler_errors_total')).toBe(2);
    await own.bus.drain();
  });

  test('on a subscription counts, and later messages arrive', async () => {
    const own = await openBus(fixture.server.url);
    const on = subject();
    const heard: string[] = [];
    own.bus.subscribe(on, {}, (message) => {
      const text = new TextDecoder().decode(message.data);
      if (text === 'throw') throw new Error('poison');
      if (text === 'reject') return Promise.reject(new Error('poison'));
      heard.push(text);
    });
    await own.bus.flush();
    for (const text of ['a', 'throw', 'reject', 'b']) bus.publish(on, text);
    await eventually(() => expect(heard).toEqual(['a', 'b']));
    expect(own.metric('breakwater_handler_errors_total')).toBe(2);
    await own.bus.drain();
  });
});

describe('a busy handler', () => {
  test('takes its bound at once and answers busy beyond it', async () => {
    const own = await openBus(fixture.server.url);
    const to = subject();
    const gate = Promise.withResolvers<object>();
    let inside = 0;
    own.bus.handle(to, { decode: asIs, maxInFlight: 3 }, () => {
      inside += 1;
      return gate.promise;
    });
    await own.bus.flush();
    const asked = Array.from({ length: 5 }, () =>
      bus.request(to, {}, { timeoutMs: 10_000, decode: asIs }).then(
        () => 'ok',
        (cause: BusError) => cause.remote?.code,
      ),
    );
    await eventually(() => expect(own.metric('breakwater_nats_busy_total')).toBe(2));
    expect(inside).toBe(3);
    gate.resolve({});
    expect((await Promise.all(asked)).sort()).toEqual(['busy', 'busy', 'ok', 'ok', 'ok']);
    await own.bus.drain();
  });

  test('that drains answers what it took and takes nothing more', async () => {
    const own = await openBus(fixture.server.url);
    const to = subject();
    const gate = Promise.withResolvers<object>();
    const began = Promise.withResolvers<void>();
    const handler = own.bus.handle(to, { decode: asIs }, () => {
      began.resolve();
      return gate.promise;
    });
    await own.bus.flush();
    const taken = bus.request(to, {}, { timeoutMs: 10_000, decode: asIs });
    await began.promise;
    const drained = handler.drain();
    await own.bus.flush();
    expect(await failure(bus.request(to, {}, { timeoutMs: 10_000, decode: asIs }))).toMatchObject({
      code: 'no_responders',
    });
    gate.resolve({ late: true });
    await drained;
    expect(await taken).toEqual({ ok: true, late: true });
    await own.bus.drain();
  });

  test('has answered what it took when the whole bus is drained', async () => {
    const own = await openBus(fixture.server.url);
    const to = subject();
    const gate = Promise.withResolvers<object>();
    const began = Promise.withResolvers<void>();
    own.bus.handle(to, { decode: asIs }, () => {
      began.resolve();
      return gate.promise;
    });
    await own.bus.flush();
    const taken = bus.request(to, {}, { timeoutMs: 10_000, decode: asIs });
    await began.promise;
    const drained = own.bus.drain(10_000);
    gate.resolve({ late: true });
    expect(await taken).toEqual({ ok: true, late: true });
    await drained;
    expect(own.bus.isClosed).toBe(true);
  });

  test('in a queue group shares requests with its peers', async () => {
    const to = subject();
    const answered = [0, 0];
    const buses = await Promise.all([openBus(fixture.server.url), openBus(fixture.server.url)]);
    for (const [i, own] of buses.entries()) {
      own.bus.handle(to, { decode: asIs, queue: 'q' }, () => {
        answered[i] = (answered[i] ?? 0) + 1;
        return {};
      });
      await own.bus.flush();
    }
    for (let i = 0; i < 60; i++) await bus.request(to, {}, { timeoutMs: 2_000, decode: asIs });
    expect(answered[0]! + answered[1]!).toBe(60);
    expect(Math.min(...answered)).toBeGreaterThan(0);
    for (const own of buses) await own.bus.drain();
  });
});
