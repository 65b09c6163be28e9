import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { subjectsFor } from '@breakwater/bus';
import { type Client, connect, type Room } from '@breakwater/client';
import { formatMessageId } from '@breakwater/protocol';
import {
  eventually,
  type FaultProxy,
  type Stack,
  startNats,
  startProxy,
  startStack,
} from '@breakwater/testkit';
import { Crowd, signedTokens } from '@breakwater/tools';
import { connect as connectNats } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { expectLogsHold } from './kept.ts';

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'breakwater-spine-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const as = (stack: Stack, user: string): Promise<Client> =>
  connect({ urls: stack.edgeUrls, token: stack.token(user, user), handshake: 'subprotocol' });

const texts = (room: Room): string[] => room.messages.map((message) => message.text);

describe('the whole of Breakwater', () => {
  it('gives the XP of each object to exactly one of fifty players who all want it, and shows all the same', async () => {
    await using folder = await temporaryFolder();
    await using stack = await startStack();
    await using maker = await as(stack, 'maker');
    const { game } = await maker.games.create('world', { options: { objects: 3, regrowTicks: 20 } });
    const watcher = await maker.games.join(game, { spectate: true });
    await using crowd = new Crowd({
      players: 50,
      urls: stack.edgeUrls,
      tokens: signedTokens(stack.jwtSecret, 'fifty'),
      run: 'fifty',
      play: { games: 0, game },
      record: folder.path,
    });
    crowd.start();
    const xp = () => [...watcher.replica.table('players').rows.values()].map((row) => Number(row.xp));
    await eventually(
      () => {
        expect(xp().length).toBe(50);
        expect(xp().reduce((sum, value) => sum + value, 0)).toBeGreaterThan(100);
      },
      { timeoutMs: 60_000 },
    );
    await crowd.stop();
    const report = await expectLogsHold({ paths: [folder.path], nats: stack.nats.url });
    expect(report.checked).toMatchObject({ clients: 50, games: 1 });
  }, 120_000);

  it('keeps what was acknowledged and shown while edges, chat, matchmaker and NATS die under load', async () => {
    await using folder = await temporaryFolder();
    await using stack = await startStack({ chats: 2 });
    await using crowd = new Crowd({
      players: 16,
      urls: stack.edgeUrls,
      tokens: signedTokens(stack.jwtSecret, 'faults'),
      run: 'faults',
      play: { games: 2 },
      chat: { room: 'general', ratePerSecond: 3 },
      record: folder.path,
    });
    crowd.start();
    await sleep(3_000);
    for (const instance of ['chat-1', 'edge-2', 'matchmaker-1']) {
      await stack.service(instance).restart();
      await sleep(1_000);
    }
    stack.nats.pause();
    await sleep(2_000);
    stack.nats.resume();
    await sleep(1_500);
    await stack.nats.restart();
    await sleep(3_000);
    await stack.service('edge-1').stop({ signal: 'SIGTERM' });
    await stack.service('edge-1').start();
    await sleep(3_000);
    await crowd.stop();
    const report = await expectLogsHold({ paths: [folder.path], nats: stack.nats.url });
    expect(report.checked).toMatchObject({ clients: 16, rooms: 1, games: 2 });
    expect(report.checked['acked messages']).toBeGreaterThan(50);
    expect(report.checked['shown states']).toBeGreaterThan(1_000);
  }, 180_000);

  it('delivers the last message of a quiet room to an edge that had lost NATS when it was stored', async () => {
    await using nats = await startNats();
    await using link: FaultProxy = await startProxy(nats.url);
    await using stack = await startStack({
      nats,
      edges: 1,
      simulations: 1,
      env: { edge: { BREAKWATER_NATS_URL: link.url } },
    });
    await using ada = await as(stack, 'ada');
    const room = await ada.rooms.join('general');
    await room.send('before');
    await eventually(() => expect(texts(room)).toEqual(['before']));

    link.refuse();
    link.cut();
    const backend = await connectNats({ servers: nats.url });
    const request = { user: 'bob', name: 'Bob', room: 'general', text: 'the last one' };
    const msg = formatMessageId('backend', Date.now(), 1);
    const answer = await backend.request(subjectsFor(4).chat('send'), JSON.stringify({ ...request, msg }));
    expect(answer.json()).toMatchObject({ ok: true });
    await backend.close();
    expect(texts(room)).toEqual(['before']);
    link.resume();

    await eventually(() => expect(texts(room)).toEqual(['before', 'the last one']), { timeoutMs: 30_000 });
    expect(ada.state).toBe('connected');
  });

  it('finds the history again, and a game where it was, after everything was stopped and started', async () => {
    await using nats = await startNats();
    let game: string;
    let tick: number;
    {
      await using stack = await startStack({ nats });
      await using ada = await as(stack, 'ada');
      const room = await ada.rooms.join('general');
      await room.send('see you tomorrow');
      const joined = await ada.games.quickMatch('world');
      game = joined.id;
      await eventually(() => expect(joined.replica.tick).toBeGreaterThan(20));
      tick = joined.replica.tick;
    }
    await using stack = await startStack({ nats });
    await using ada = await as(stack, 'ada');
    expect(texts(await ada.rooms.join('general'))).toEqual(['see you tomorrow']);
    const joined = await ada.games.join(game);
    expect(joined.replica.tick).toBeGreaterThanOrEqual(tick);
    // One more if the first process to end gave it to the second.
    expect(joined.epoch).toBeGreaterThanOrEqual(2);
  }, 90_000);
});
