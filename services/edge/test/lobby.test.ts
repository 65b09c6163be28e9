import {
  BUCKETS,
  type EdgePresence,
  edgeId,
  edgePresence,
  edgeSyncReply,
  type GameEntry,
  gameEntry,
  reply,
} from '@breakwater/bus';
import type { Bucket } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScriptedMatch } from './scripted-game.ts';
import { PARTITIONS, type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;
let games: Bucket<GameEntry>;

beforeAll(async () => {
  world = await World.start();
  new ScriptedMatch(world.bus, PARTITIONS);
  const { name, maxAgeMs } = BUCKETS.games;
  games = await world.bus.ensureBucket({ name, maxAgeMs, replicas: 1 }, { decode: gameEntry });
  edge = await world.startEdge({
    env: { BREAKWATER_EDGE_LOBBY_POLL_MS: '200', BREAKWATER_INSTANCE: 'lobby-edge' },
  });
});

afterAll(() => world?.[Symbol.asyncDispose]());

function entry(game: string, more: Partial<GameEntry> = {}): GameEntry {
  return {
    game,
    type: 'test',
    schemaVersion: 1,
    title: game,
    state: 'running',
    epoch: 1,
    pod: 'pod-1',
    players: 1,
    maxPlayers: 8,
    createdBy: 'ann',
    createdAt: 1,
    changedAt: 1,
    options: {},
    seed: 1,
    seats: [],
    ...more,
  };
}

describe('the lobby', () => {
  it('shows what there is, then what changes', async () => {
    await games.put('g1', entry('g1'));
    await games.put('g2', entry('g2', { state: 'ended' }));
    await using ann = await edge.open('ann');
    const lobby = await ann.request('lobby', { t: 'lobby.watch' });
    expect(lobby.games).toEqual([
      {
        game: 'g1',
        type: 'test',
        title: 'g1',
        players: 1,
        maxPlayers: 8,
        epoch: 1,
        state: 'running',
        pod: 'pod-1',
      },
    ]);
    expect(lobby).toMatchObject({ rooms: [{ room: 'general' }], types: ['test'] });
    await games.put('g3', entry('g3', { state: 'starting' }));
    await games.put('g1', entry('g1', { players: 5 }));
    await games.put('g1', entry('g1', { players: 6 }));
    const changed = () => ann.of('lobby.change').flatMap((change) => change.games);
    await eventually(() => changed().some((info) => info.game === 'g1' && info.players === 6));
    expect(changed().some((info) => info.game === 'g3')).toBe(true);
    await games.put('g3', entry('g3', { state: 'failed' }));
    await games.delete('g1');
    const gone = () => ann.of('lobby.change').flatMap((change) => change.goneGames);
    await eventually(() => gone().includes('g3') && gone().includes('g1'));
    await ann.request('ok', { t: 'lobby.leave' });
    const count = ann.of('lobby.change').length;
    await using bea = await edge.open('bea');
    await bea.request('lobby', { t: 'lobby.watch' });
    await games.put('g4', entry('g4'));
    await eventually(() => bea.of('lobby.change').length > 0);
    expect(ann.of('lobby.change')).toHaveLength(count);
  });
});

describe('presence for the other services', () => {
  it('is numbered deltas, a heartbeat that repeats the number, and the whole on request', async () => {
    const heard: EdgePresence[] = [];
    const subject = world.subjects.edgePresence(edgeId('lobby-edge'));
    const subscription = world.bus.subscribe(subject, {}, (message) => {
      heard.push(edgePresence(message.json()));
    });
    await world.bus.flush();
    await using ann = await edge.open('ann');
    await using bea = await edge.open('bea');
    for (const client of [ann, bea]) await client.request('room.joined', { t: 'room.join', room: 'general' });
    const session = ann.of('welcome')[0]!.session;
    const deltas = () => heard.filter((news) => news.kind === 'delta');
    await eventually(() => deltas().flatMap((delta) => delta.joined).length === 2);
    const options = { decode: reply(edgeSyncReply), timeoutMs: 2_000 };
    const whole = await world.bus.request(world.subjects.edgeSync(edgeId('lobby-edge')), {}, options);
    expect(whole.members.map((member) => member.user).sort()).toEqual(['ann', 'bea']);
    expect(whole.version).toBe(deltas().at(-1)?.version);
    await ann.request('ok', { t: 'room.leave', room: 'general' });
    bea.ws.terminate();
    await eventually(() => deltas().flatMap((delta) => delta.dropped).length === 1);
    expect(deltas().flatMap((delta) => delta.left)).toEqual([{ room: 'general', session }]);
    const versions = deltas().map((delta) => delta.version);
    expect(versions).toEqual(versions.map((_, index) => versions[0]! + index));
    await eventually(
      () => heard.some((news) => news.kind === 'heartbeat' && news.version === versions.at(-1)),
      { timeoutMs: 30_000 },
    );
    expect(new Set(heard.map((news) => news.incarnation)).size).toBe(1);
    await edge.running.shutdown({ drain: false });
    await eventually(() => heard.at(-1)?.kind === 'gone');
    subscription.unsubscribe();
  });
});
