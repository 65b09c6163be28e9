import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal } from './client.ts';
import { openRaw, type RawSocket } from './raw.ts';
import { tokenFor, World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await World.start();
});

afterAll(() => world?.[Symbol.asyncDispose]());

const COUNT = 40;
const DEAF = 5;

describe('a drain (fault 37)', () => {
  it('tells each client when to move, closes those that stay with 1012, and waits for no deaf one', async () => {
    const env = {
      BREAKWATER_EDGE_MAX_CONNECTIONS_PER_USER: '1000',
      BREAKWATER_EDGE_DRAIN_SPREAD_MS: '1500',
      BREAKWATER_EDGE_DRAIN_GRACE_MS: '3000',
      BREAKWATER_DRAIN_DEADLINE_MS: '20000',
    };
    const edge = await world.startEdge({ env });
    const next = await world.startEdge();
    const clients = await Promise.all(
      Array.from({ length: COUNT }, (_, index) => edge.open(`user-${index}`)),
    );
    const token = await tokenFor({ user: 'deaf' });
    const deaf: RawSocket[] = [];
    for (let count = 0; count < DEAF; count++) deaf.push(await openRaw(edge.port, token));
    for (const raw of deaf) raw.tcp.pause();
    for (const client of clients) await client.request('room.joined', { t: 'room.join', room: 'moving' });
    const movers = clients.slice(0, COUNT / 2);
    const stayers = clients.slice(COUNT / 2);

    const ended = edge.running.shutdown({ drain: true });
    await eventually(() => clients.every((client) => client.of('move').length === 1));
    expect(edge.running.health.ready().ok).toBe(false);
    expect(await refusal(edge.port, { token })).toMatchObject({ status: 503, body: { error: 'draining' } });
    const times = clients.map((client) => client.of('move')[0]!.inMs);
    expect(Math.max(...times)).toBeLessThanOrEqual(1_500);
    expect(new Set(times.map((time) => Math.floor(time / 300))).size).toBeGreaterThanOrEqual(4);

    await world.chat.say('moving', 'said during the drain');
    // All at once: those that stay are closed when their time is over, and so would be those that wait their turn.
    const moved = await Promise.all(
      movers.map(async (mover, index) => {
        const { at } = mover.of('room.joined')[0]!;
        const client = await next.open(`user-${index}`);
        const resumed = await client.request('room.joined', { t: 'room.join', room: 'moving', at });
        expect(resumed).toMatchObject({ recovered: true, messages: [{ text: 'said during the drain' }] });
        mover.ws.close(1000);
        return client;
      }),
    );
    expect(await ended).toEqual({ clean: true, faults: [] });
    for (const client of stayers) expect((await client.closing()).code).toBe(1012);
    for (const client of movers) expect((await client.closing()).code).toBe(1000);
    for (const client of [...stayers, ...movers])
      expect(client.texts('moving')).toEqual(['said during the drain']);
    for (const raw of deaf) {
      raw.tcp.resume();
      await raw.ended();
    }
    for (const client of moved) await client[Symbol.asyncDispose]();
  });

  it('ends as soon as everybody has moved', async () => {
    const edge = await world.startEdge({
      env: { BREAKWATER_EDGE_DRAIN_SPREAD_MS: '500000', BREAKWATER_DRAIN_DEADLINE_MS: '900000' },
    });
    const client = await edge.open('only');
    const ended = edge.running.shutdown({ drain: true });
    await eventually(() => client.of('move').length === 1);
    client.ws.close(1000);
    expect(await ended).toMatchObject({ clean: true });
  });
});

describe('a stop without a drain', () => {
  it('closes everybody with 1012 and waits for no deaf one', async () => {
    const edge = await world.startEdge();
    const client = await edge.open('one');
    await using deaf = await openRaw(edge.port, await tokenFor({ user: 'deaf' }));
    deaf.tcp.pause();
    expect(await edge.running.shutdown({ drain: false })).toEqual({ clean: true, faults: [] });
    expect((await client.closing()).code).toBe(1012);
    expect(client.of('move')).toEqual([]);
  });
});
