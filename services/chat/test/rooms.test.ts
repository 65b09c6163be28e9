import { describe, expect, test } from 'vitest';
import { codeOf, newId, startChat, startWorld } from './harness.ts';

describe('rooms', () => {
  test('the default rooms are there from the start, once, however many replicas start at once', async () => {
    await using world = await startWorld();
    const env = { BREAKWATER_CHAT_DEFAULT_ROOMS: 'general,random' };
    const replicas = await Promise.all([startChat(world.nats, env), startChat(world.nats, env)]);
    const { rooms } = await world.ann.list();
    expect(rooms.map((room) => room.room).sort()).toEqual(['general', 'random']);
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
  });

  test('a room is created once, is listed and can be joined at once through every replica', async () => {
    await using world = await startWorld();
    await using _a = await startChat(world.nats);
    await using _b = await startChat(world.nats);
    const { info } = await world.ann.create('tea', { title: 'Tea' });
    expect(info).toEqual({ room: 'tea', title: 'Tea', kind: 'public', count: 0 });
    expect((await world.ann.create('tea', { title: 'Tea' })).info).toEqual(info);
    expect(await codeOf(world.ann.create('tea', { title: 'Coffee' }))).toBe('room_exists');
    expect(await codeOf(world.bob.create('tea', { title: 'Tea' }))).toBe('room_exists');
    expect(await codeOf(world.bob.create('tea'))).toBe('room_exists');
    for (let round = 0; round < 6; round++) {
      const joined = await world.bob.join('tea');
      expect(joined).toMatchObject({
        recovered: false,
        messages: [],
        more: false,
        at: { seq: 0, stamp: '' },
      });
    }
    const { rooms } = await world.ann.list();
    expect(rooms.map((room) => room.title)).toContain('Tea');
  });

  test('fault 11: an id that would change a subject is refused, and a room that is not there is not found', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats);
    const before = await world.bus.streamState('KV_rooms');
    for (const room of ['*', '>', 'a.b', '..', ' ', '\r\nPUB x 0', 'é', '', 'x'.repeat(65)]) {
      expect(await codeOf(world.ann.send(room, newId(), 'hello'))).toBe('bad_request');
      expect(await codeOf(world.ann.join(room))).toBe('bad_request');
      expect(await codeOf(world.ann.create(room))).toBe('bad_request');
      expect(await codeOf(world.ann.history(room))).toBe('bad_request');
    }
    expect(await codeOf(world.ann.send('nowhere', newId(), 'hello'))).toBe('room_not_found');
    expect(await codeOf(world.ann.join('nowhere'))).toBe('room_not_found');
    expect(await world.bus.streamState('KV_rooms')).toEqual(before);
  });

  test('the number of rooms is limited', async () => {
    await using world = await startWorld();
    await using _chat = await startChat(world.nats, { BREAKWATER_CHAT_MAX_ROOMS: '2' });
    await world.ann.create('two');
    expect(await codeOf(world.ann.create('three'))).toBe('busy');
  });

  test('another partition count than the stored one refuses to start in one sentence', async () => {
    await using world = await startWorld();
    const first = await startChat(world.nats);
    await first[Symbol.asyncDispose]();
    const second = startChat(world.nats, { BREAKWATER_PARTITIONS: '3' });
    await expect(second).rejects.toThrow(/BREAKWATER_PARTITIONS is 3, .* made with 2/);
  });

  test('a retention that is shorter than the retry horizon refuses to start', async () => {
    await using world = await startWorld();
    const started = startChat(world.nats, { BREAKWATER_CHAT_MAX_AGE_MS: '120000' });
    await expect(started).rejects.toThrow(/BREAKWATER_CHAT_MAX_AGE_MS must be at least/);
  });
});
