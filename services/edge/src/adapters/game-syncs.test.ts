import { gameId, type StateReply } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { expect, it } from 'vitest';
import type { EdgeDeps } from './deps.ts';
import type { GameMember } from './game-member.ts';
import { GameSyncs } from './game-syncs.ts';

it('asks for who begins to wait at the moment at which nobody else does any more', async () => {
  const asked: number[][] = [];
  const served: number[][] = [];
  const member = (pid: number) => ({ pid }) as GameMember;
  const pidsOf = (members: readonly GameMember[]) => members.map(({ pid }) => pid);
  let waiting = [member(1)];
  const deps = {
    nats: {
      isConnected: true,
      request: async (_: string, { pids }: { pids: number[] }) => {
        asked.push(pids);
        // The first one goes away while the owner is asked.
        if (asked.length === 1) waiting = [];
        return { epoch: 1 } as StateReply;
      },
    },
    subjects: { gameIn: () => 'in' },
    config: { backendTimeoutMs: 5_000 },
    metrics: { syncs: { add: () => undefined } },
    clock: new FakeClock(),
  } as unknown as EdgeDeps;
  const syncs: GameSyncs = new GameSyncs(deps, {
    game: gameId('g'),
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
      served.push(pidsOf(members));
      waiting = [];
      return false;
    },
  });
  syncs.begin();
  await new Promise((resolve) => setImmediate(resolve));
  expect({ asked, served }).toEqual({ asked: [[1], [2]], served: [[2]] });
});
