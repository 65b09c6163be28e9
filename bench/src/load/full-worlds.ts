/** Worlds with every seat taken, played without edges. */

import { decodeStateReply, type GameId, podId, type Subjects } from '@breakwater/bus';
import type { NatsConnection } from '@nats-io/transport-node';

export const PLAYERS = 100;
/** They walk; the others stand. */
export const MOVING = 30;
export const OBJECTS = 500;
const EDGE = 'bench-edge';

/** Hosts the game and takes every seat, as matchmaker and edge do. */
export async function fill(
  nats: NatsConnection,
  subjects: Subjects,
  game: GameId,
  type: string,
): Promise<void> {
  const host = { game, epoch: 1, type, schemaVersion: 1, options: { objects: OBJECTS }, seed: 7 };
  const hosted = await nats.request(subjects.sim(podId('simulation-1'), 'host'), JSON.stringify(host), {
    timeout: 10_000,
  });
  const { ok, outcome } = hosted.json<{ ok: boolean; outcome?: string }>();
  if (!ok || outcome !== 'hosted') throw new Error(`the game was not hosted: ${hosted.string()}`);
  const joins = Array.from({ length: PLAYERS }, async (_, index) => {
    const join = {
      kind: 'join',
      edge: EDGE,
      session: `s${index}`,
      user: `u${index}`,
      name: `Player ${index}`,
      join: 1,
      spectate: false,
    };
    const reply = await nats.request(subjects.gameIn(game), JSON.stringify(join), { timeout: 10_000 });
    const state = decodeStateReply(reply.data);
    if (!state.ok) throw new Error(`a player could not join: ${reply.string()}`);
    return state.value.pid;
  });
  await Promise.all(joins);
}

/** Without it the simulation would take the players for disconnected. */
export function startEdgeHeartbeat(nats: NatsConnection, subjects: Subjects): NodeJS.Timeout {
  const beat = JSON.stringify({ kind: 'heartbeat', edge: EDGE, incarnation: 'bench', version: 0 });
  const [subject] = [subjects.allEdgePresence().replace('*', EDGE)];
  nats.publish(subject, beat);
  return setInterval(() => nats.publish(subject, beat), 1_000);
}

/** Thirty players of each game turn round once a second, so that they never stand at the edge of the map. */
export function startSteering(
  nats: NatsConnection,
  subjects: Subjects,
  games: readonly GameId[],
): NodeJS.Timeout {
  let n = 0;
  const turn = () => {
    n++;
    const angle = n % 2 === 0 ? 1 : -1;
    for (const game of games) {
      for (let pid = 1; pid <= MOVING; pid++) {
        const args = { dx: angle * ((pid % 7) + 2), dy: angle * ((pid % 5) - 2) };
        nats.publish(
          subjects.gameIn(game),
          JSON.stringify({ kind: 'command', pid, join: 1, n, name: 'steer', args }),
        );
      }
    }
  };
  turn();
  return setInterval(turn, 1_000);
}
