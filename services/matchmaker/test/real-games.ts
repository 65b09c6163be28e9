import { join } from 'node:path';
import {
  decodeGameRecord,
  decodeStateReply,
  edgeId,
  type GameRecord,
  gameId,
  gameStreamName,
  subjectsFor,
} from '@breakwater/bus';
import { projectRoot, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { expect } from 'vitest';
import type { TestBed } from './matchmakers.ts';

const PARTITIONS = 4;
const EDGE = 'edge-1';
const subjects = subjectsFor(PARTITIONS);

/** Games that misbehave, for `realSimulation`. */
export const TEST_GAMES = {
  BREAKWATER_SIMULATION_GAME_FOLDERS: join(projectRoot, 'services/matchmaker/test/games'),
};

/** A simulation as it is, in a process of its own. */
export function realSimulation(
  bed: TestBed,
  instance: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ServiceProcess> {
  return spawnService('simulation', {
    label: instance,
    readyTimeoutMs: 60_000,
    env: {
      BREAKWATER_NATS_URL: bed.nats.url,
      BREAKWATER_INSTANCE: instance,
      BREAKWATER_HTTP_HOST: '127.0.0.1',
      BREAKWATER_HTTP_PORT: '0',
      ...settings,
    },
  });
}

/** Settings of a real installation: real processes take their time on a busy machine. */
export const UNHURRIED = {
  BREAKWATER_MATCHMAKER_HEARTBEAT_MS: '300',
  BREAKWATER_MATCHMAKER_HOST_TIMEOUT_MS: '5000',
  BREAKWATER_MATCHMAKER_LIST_TIMEOUT_MS: '2000',
  BREAKWATER_MATCHMAKER_LEADER_LIMIT_MS: '1000',
  BREAKWATER_MATCHMAKER_LEADER_TAKEOVER_MS: '1500',
};

/** What an edge does for its players: it joins them and says that it lives. Games without players do not tick. */
export class Players implements Disposable {
  readonly #bed: TestBed;
  readonly #timer: NodeJS.Timeout;

  constructor(bed: TestBed) {
    this.#bed = bed;
    const heartbeat = { kind: 'heartbeat', edge: EDGE, incarnation: 'one', version: 0 };
    this.#timer = setInterval(() => bed.bus.publish(subjects.edgePresence(edgeId(EDGE)), heartbeat), 500);
  }

  /** @returns the player's number in the game */
  async join(game: string, user: string): Promise<number> {
    const input = {
      kind: 'join',
      edge: EDGE,
      session: `s-${user}`,
      user,
      name: user,
      join: 1,
      spectate: false,
    };
    const decodeBytes = (bytes: Uint8Array) => decodeStateReply(Uint8Array.from(bytes));
    const reply = await this.#bed.bus.request(subjects.gameIn(gameId(game)), input, {
      decodeBytes,
      timeoutMs: 10_000,
    });
    if (!reply.ok) throw new Error(`${user} could not join ${game}`);
    return reply.value.pid;
  }

  /** The first command of a player, which the game does not answer. */
  command(game: string, pid: number, name: string): void {
    this.#bed.bus.publish(subjects.gameIn(gameId(game)), { kind: 'command', pid, join: 1, n: 1, name });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** The records of a game's log that are still there, in order. */
export async function logOf(bed: TestBed, game: string): Promise<GameRecord[]> {
  const id = gameId(game);
  const page = await bed.bus.readSubject(gameStreamName(id, PARTITIONS), subjects.gameLog(id), {
    fromSeq: 1,
    limit: 100_000,
    maxBytes: 100_000_000,
  });
  return page.messages.map(({ data }) => {
    const record = decodeGameRecord(data);
    if (!record.ok) throw record.error;
    return record.value;
  });
}

/** Each record follows the one before it: the next of the same hosting, or the claim of a higher epoch. */
export function expectChain(records: readonly GameRecord[]): void {
  for (const [index, record] of records.slice(1).entries()) {
    const before = records[index]!;
    if (record.kind === 'claim') {
      expect(record.n).toBe(0);
      expect(record.epoch).toBeGreaterThan(before.epoch);
    } else {
      const expected = { epoch: before.epoch, nonce: before.nonce, n: before.n + 1 };
      expect({ epoch: record.epoch, nonce: record.nonce, n: record.n }).toEqual(expected);
    }
  }
}

/** The pods that claimed the game, in order. */
export function ownersOf(records: readonly GameRecord[]): string[] {
  return records.filter((record) => record.kind === 'claim').map(({ pod }) => pod);
}
