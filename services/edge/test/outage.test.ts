import { eventually, type FaultProxy, startProxy } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal, type TestClient } from './client.ts';
import { type TestEdge, tokenFor, World } from './world.ts';

let world: World;
let edge: TestEdge;
let link: FaultProxy;

beforeAll(async () => {
  world = await World.start();
  link = await startProxy(world.nats.url);
  edge = await world.startEdge({ natsUrl: link.url, env: { BREAKWATER_EDGE_BACKEND_TIMEOUT_MS: '1500' } });
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await link?.close();
});

const join = (client: TestClient, room: string) => client.request('room.joined', { t: 'room.join', room });
const send = (client: TestClient, n: number, text: string) =>
  client.ask({ t: 'room.send', room: 'general', msg: `abcd-00000000-${n}`, text });

describe('while NATS is away (faults 25, 26, 27)', () => {
  it('sends are answered unavailable, sockets stay, newcomers are told to come back, and all is well after', async () => {
    await using ann = await edge.open('ann');
    await join(ann, 'general');
    expect(await send(ann, 1, 'before')).toMatchObject({ t: 'room.sent' });
    link.refuse();
    link.cut();
    await eventually(async () => (await edge.metric('breakwater_nats_connected')) === 0);
    expect(await send(ann, 2, 'during')).toMatchObject({ t: 'error', code: 'unavailable' });
    const refused = await refusal(edge.port, { token: await tokenFor({ user: 'new' }) });
    expect(refused).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const noTicket = await fetch(`http://127.0.0.1:${edge.port}/v1/ticket`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokenFor({ user: 'new' })}` },
    });
    expect([noTicket.status, await noTicket.json()]).toMatchObject([503, { error: 'unavailable' }]);
    expect(edge.running.health.ready().ok, 'a NATS restart must not empty the load balancer').toBe(true);
    expect(edge.running.health.live().ok).toBe(true);
    await ann.request('pong', { t: 'ping' });
    link.resume();
    await eventually(async () => (await send(ann, 3, 'after')).t === 'room.sent', {
      timeoutMs: 15_000,
      intervalMs: 200,
    });
    await eventually(() => ann.texts('general').length === 2);
    expect(ann.texts('general')).toEqual(['before', 'after']);
    expect(ann.closed).toBeUndefined();
    await using newcomer = await edge.open('new');
    await join(newcomer, 'general');
  });

  it('a server that hangs gives no false acknowledgement, and what it kept comes once', async () => {
    const direct = await world.startEdge({ env: { BREAKWATER_EDGE_BACKEND_TIMEOUT_MS: '1000' } });
    await using ann = await direct.open('ann');
    await join(ann, 'hanging');
    world.nats.pause();
    try {
      const answer = await ann.ask({
        t: 'room.send',
        room: 'hanging',
        msg: 'abcd-00000000-9',
        text: 'perhaps',
      });
      expect(answer).toMatchObject({ t: 'error', code: 'unavailable' });
      await ann.request('pong', { t: 'ping' });
    } finally {
      world.nats.resume();
    }
    await eventually(async () => (await ann.ask({ t: 'room.history', room: 'hanging' })).t === 'room.page', {
      timeoutMs: 15_000,
    });
    await world.chat.say('hanging', 'surely');
    await eventually(() => ann.texts('hanging').includes('surely'));
    const perhaps = ann.texts('hanging').filter((text) => text === 'perhaps');
    expect(perhaps.length).toBeLessThanOrEqual(1);
    expect(ann.closed).toBeUndefined();
  });

  it('a killed server that returns finds every socket where it was', async () => {
    const direct = await world.startEdge();
    await using ann = await direct.open('ann');
    await join(ann, 'killed');
    await world.chat.say('killed', 'before');
    await eventually(() => ann.texts('killed').length === 1);
    await world.nats.restart();
    await eventually(() => world.chat.say('killed', 'after'), { timeoutMs: 15_000, intervalMs: 200 });
    await eventually(() => ann.texts('killed').length === 2, { timeoutMs: 15_000 });
    expect(ann.texts('killed')).toEqual(['before', 'after']);
    expect(ann.closed).toBeUndefined();
  });
});
