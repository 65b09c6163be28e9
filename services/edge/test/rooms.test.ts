import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;

beforeAll(async () => {
  world = await World.start();
  edge = await world.startEdge();
});

afterAll(() => world?.[Symbol.asyncDispose]());

describe('rooms', () => {
  it('greets, joins, sends, and brings everybody the same message', async () => {
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    expect(ann.of('welcome')[0]).toMatchObject({ user: 'ann', version: 1, edge: edge.running.instance });
    const joined = await ann.request('room.joined', { t: 'room.join', room: 'general' });
    expect(joined).toMatchObject({ room: 'general', recovered: false, messages: [] });
    await bea.request('room.joined', { t: 'room.join', room: 'general' });
    const sent = await ann.request('room.sent', {
      t: 'room.send',
      room: 'general',
      msg: 'abcd-00000000-1',
      text: 'hi',
    });
    for (const client of [ann, bea]) {
      await eventually(() => client.texts('general').length === 1);
      expect(client.of('room.message')[0]).toMatchObject({
        seq: sent.seq,
        msg: 'abcd-00000000-1',
        user: 'ann',
        text: 'hi',
      });
    }
  });
});
