import { encodeStateReply, gameId, gameInput, subjectsFor } from '@breakwater/bus';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  systemClock,
} from '@breakwater/service-kit';
import { eventually, startNats } from '@breakwater/testkit';
import { expect, it } from 'vitest';
import { metrics } from '../metrics.ts';
import type { EdgeDeps } from './deps.ts';
import type { GameMember } from './game-member.ts';
import { GameSyncs } from './game-syncs.ts';

const game = gameId('g');
const subjects = subjectsFor(1);
const nothing = new Uint8Array(0);
const parts = { shared: nothing, server: nothing, slices: [] };
const state = { epoch: 1, seq: 1, tick: 1, pod: 'pod-1', join: 0, pid: 0, ack: 0, schema: '{}', parts };

it('asks for who begins to wait at the moment at which nobody else does any more', async () => {
  await using nats = await startNats();
  const { log } = createLogOutput({ service: 'edge', instance: 'edge-1', level: 'silent' });
  const registry = new MetricRegistry();
  const settings = { servers: [nats.url], log, metrics: registry.register(kitMetrics) };
  await using bus = await connectBus({ ...settings, name: 'edge-1' });
  await using ownerBus = await connectBus({ ...settings, name: 'owner' });
  const asked: (readonly number[])[] = [];
  const served: number[][] = [];
  const member = (pid: number) => ({ pid }) as GameMember;
  let waiting = [member(1)];
  ownerBus.subscribe(subjects.gameIn(game), {}, (message) => {
    const input = gameInput(message.json());
    if (input.kind !== 'sync') throw new Error(`the owner is sent a ${input.kind}`);
    asked.push(input.pids);
    // The first one goes away while the owner is asked.
    if (asked.length === 1) waiting = [];
    message.respond(encodeStateReply(state));
  });
  await ownerBus.flush();
  const deps = {
    nats: bus,
    subjects,
    config: { backendTimeoutMs: 5_000 },
    metrics: registry.register(metrics),
    clock: systemClock,
    log,
    edge: 'edge-1',
  } as unknown as EdgeDeps;
  const syncs: GameSyncs = new GameSyncs(deps, {
    game,
    waiting: () => {
      const now = waiting;
      if (now.length === 0 && asked.length === 1) {
        // The next one comes right after this was looked at; one is under way, so it relies on that.
        waiting = [member(2)];
        syncs.begin();
      }
      return now;
    },
    serve: (members) => {
      served.push(members.map(({ pid }) => pid));
      waiting = [];
      return false;
    },
  });
  syncs.begin();
  await eventually(() => expect(served).toEqual([[2]]));
  expect(asked).toEqual([[1], [2]]);
});
