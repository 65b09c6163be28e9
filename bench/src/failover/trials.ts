/** What is done to the games: their process is killed, they are moved one by one, their process is drained. */

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { gameId, subjectsFor } from '@breakwater/bus';
import { describeExit, eventually, type Stack } from '@breakwater/testkit';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { PARTITIONS } from '../load/room-feeder.ts';
import { busiest, type PlayedGame } from './players.ts';

export interface Killed {
  /** From the kill to the first delta of the new owner, for each game, ms. */
  readonly rtoMs: readonly number[];
  readonly gapsMs: readonly number[];
}

const RECOVERY_TIMEOUT_MS = 60_000;
/** A process that is back is seen by the matchmakers after a heartbeat or two. */
const SETTLE_MS = 1_500;
const DRAIN_TIMEOUT_MS = 120_000;

/** SIGKILL of the process that hosts the games, brought together first. */
export async function kill(stack: Stack, all: readonly PlayedGame[], mover: Mover): Promise<Killed> {
  const { pod, games } = await mover.gather(all);
  const before = counts(games);
  const killedMs = performance.now();
  await stack.service(pod).kill();
  await untilHandedOver(games, before);
  const rtoMs = games.map(({ handovers }, index) => handovers[before[index]!]!.firstMs - killedMs);
  const gapsMs = gapsOf(games, before);
  await comeBack(stack, pod);
  return { rtoMs, gapsMs };
}

/** SIGTERM of the process that hosts the games, brought together first. */
export async function drain(
  stack: Stack,
  all: readonly PlayedGame[],
  mover: Mover,
): Promise<{ readonly seconds: number; readonly games: number; readonly gapsMs: readonly number[] }> {
  const { pod, games } = await mover.gather(all);
  const before = counts(games);
  const begunMs = performance.now();
  const status = await stack.service(pod).process.stop({ signal: 'SIGTERM', timeoutMs: DRAIN_TIMEOUT_MS });
  const seconds = (performance.now() - begunMs) / 1_000;
  if (status.code !== 0) throw new Error(`the drained process ended with ${describeExit(status)}`);
  await untilHandedOver(games, before);
  const gapsMs = gapsOf(games, before);
  await comeBack(stack, pod);
  return { seconds, games: games.length, gapsMs };
}

/** Moves games, one after the other. */
export class Mover implements AsyncDisposable {
  readonly #nats: NatsConnection;

  private constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  static async open(url: string): Promise<Mover> {
    return new Mover(await connect({ servers: url }));
  }

  /** Brings all games to the process that hosts most of them. */
  async gather(all: readonly PlayedGame[]) {
    const { pod } = busiest(all);
    for (const played of all) if (played.game.pod !== pod) await this.move(played, pod);
    return { pod, games: all };
  }

  /**
   * Moves a game to the process `to`, or to the one that the matchmaker chooses.
   *
   * @returns how long its player saw nothing new, ms
   */
  async move(played: PlayedGame, to?: string): Promise<number> {
    const before = counts([played]);
    const subject = subjectsFor(PARTITIONS).matchOperation('move');
    const body = JSON.stringify({ game: gameId(played.game.id), ...(to === undefined ? {} : { to }) });
    const answer = await this.#nats.request(subject, body, { timeout: RECOVERY_TIMEOUT_MS });
    const { ok } = answer.json<{ ok: boolean }>();
    if (!ok) throw new Error(`the move was refused: ${answer.string()}`);
    await untilHandedOver([played], before);
    return gapsOf([played], before)[0]!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#nats.close();
  }
}

const counts = (games: readonly PlayedGame[]): number[] => games.map(({ handovers }) => handovers.length);

async function untilHandedOver(games: readonly PlayedGame[], before: readonly number[]): Promise<void> {
  const message = 'a new owner of every game';
  const isDone = () => games.every(({ handovers }, index) => handovers.length > before[index]!);
  await eventually(isDone, { timeoutMs: RECOVERY_TIMEOUT_MS, intervalMs: 20, message });
}

function gapsOf(games: readonly PlayedGame[], before: readonly number[]): number[] {
  return games.map(({ handovers }, index) => {
    const { firstMs, lastMs } = handovers[before[index]!]!;
    return firstMs - lastMs;
  });
}

async function comeBack(stack: Stack, pod: string): Promise<void> {
  await stack.service(pod).start();
  await sleep(SETTLE_MS);
}
