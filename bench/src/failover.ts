/** A process with games is killed, games are moved, a process with games is drained: what their players saw. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stack, startStack } from '@breakwater/testkit';
import { checkLogs, StreamArchive } from '@breakwater/tools';
import type { Benchmark, BenchmarkResult, Row } from './benchmark.ts';
import { PlayedGame } from './failover/players.ts';
import { drain, kill, Mover } from './failover/trials.ts';
import { quantile, rounded } from './statistics.ts';

const REPETITIONS = 20;
const GAMES = 20;
const DRAINED_GAMES = 50;
const MOVES_PER_REPETITION = 10;
const TICK_MS = 50;
const QUIET = { BREAKWATER_LOG_LEVEL: 'warn' } as const;
/** Fifty clients come from one address. */
const EDGE = { ...QUIET, BREAKWATER_EDGE_MAX_CONNECTIONS_PER_ADDRESS: '1000' } as const;

interface Measured {
  readonly rtoMs: readonly number[];
  readonly killGapsMs: readonly number[];
  readonly moveGapsMs: readonly number[];
  readonly drainGapsMs: readonly number[];
  readonly drainSeconds: readonly number[];
  readonly drainedGames: readonly number[];
  readonly socketsClosed: number;
  readonly lostRecords: number;
}

type Log = (line: string) => void;

export const failover: Benchmark = {
  name: 'failover',
  summary: `${REPETITIONS} times: a simulation process with ${GAMES} games is killed with SIGKILL; ${MOVES_PER_REPETITION} games are moved; one with ${DRAINED_GAMES} games is drained. One player in each game, who walks.`,
  goal: 'from the kill to the first delta of the new owner at most 2 s, in every game; no record lost, no socket closed; a move below 100 ms at p99 (delta to delta, less one tick)',
  run: (log) => measureFailover(REPETITIONS, log),
};

/** @throws Error when a game finds no new owner within a minute */
export async function measureFailover(repetitions: number, log: Log): Promise<BenchmarkResult> {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-failover-'));
  try {
    return resultOf(await measure(repetitions, dir, log));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(repetitions: number, dir: string, log: Log): Promise<Measured> {
  const size = { edges: 1, chats: 1, simulations: 3, matchmakers: 2, web: false };
  const env = { edge: EDGE, chat: QUIET, simulation: QUIET, matchmaker: QUIET };
  await using stack = await startStack({ ...size, env });
  await using archive = await StreamArchive.start({ nats: stack.nats.url, file: join(dir, 'games.archive') });
  const games: PlayedGame[] = [];
  try {
    await using mover = await Mover.open(stack.nats.url);
    await addGames(stack, games, GAMES, dir);
    const killed = await killAll(stack, games, mover, repetitions, log);
    const moveGapsMs = await moveAll(games, mover, repetitions * MOVES_PER_REPETITION, log);
    await addGames(stack, games, DRAINED_GAMES, dir);
    const drained = await drainAll(stack, games, mover, repetitions, log);
    const socketsClosed = games.reduce((sum, game) => sum + game.socketsClosed, 0);
    await Promise.all(games.splice(0).map((game) => game[Symbol.asyncDispose]()));
    await archive.close();
    const lostRecords = await countLost(dir, stack.nats.url, log);
    return { ...killed, moveGapsMs, ...drained, socketsClosed, lostRecords };
  } finally {
    for (const game of games) await game[Symbol.asyncDispose]();
  }
}

async function addGames(stack: Stack, games: PlayedGame[], upTo: number, dir: string): Promise<void> {
  while (games.length < upTo) games.push(await PlayedGame.start(stack, `player-${games.length}`, dir));
}

async function killAll(
  stack: Stack,
  games: readonly PlayedGame[],
  mover: Mover,
  repetitions: number,
  log: Log,
) {
  const rtoMs: number[] = [];
  const killGapsMs: number[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    const killed = await kill(stack, games, mover);
    rtoMs.push(...killed.rtoMs);
    killGapsMs.push(...killed.gapsMs);
    log(
      `kill ${repetition}: ${killed.rtoMs.length} games, longest ${Math.max(...killed.rtoMs).toFixed(0)} ms`,
    );
  }
  return { rtoMs, killGapsMs };
}

async function moveAll(games: readonly PlayedGame[], mover: Mover, moves: number, log: Log) {
  const gapsMs: number[] = [];
  for (let move = 0; move < moves; move++) gapsMs.push(await mover.move(games[move % games.length]!));
  log(`${moves} moves, longest ${Math.max(...gapsMs).toFixed(0)} ms from delta to delta`);
  return gapsMs;
}

async function drainAll(
  stack: Stack,
  games: readonly PlayedGame[],
  mover: Mover,
  repetitions: number,
  log: Log,
) {
  const drainGapsMs: number[] = [];
  const drainSeconds: number[] = [];
  const drainedGames: number[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    const drained = await drain(stack, games, mover);
    drainGapsMs.push(...drained.gapsMs);
    drainSeconds.push(drained.seconds);
    drainedGames.push(drained.games);
    log(`drain ${repetition}: ${drained.games} games in ${drained.seconds.toFixed(1)} s`);
  }
  return { drainGapsMs, drainSeconds, drainedGames };
}

/** States that were shown and commands that were acknowledged, and that the logs do not hold. */
async function countLost(dir: string, nats: string, log: Log): Promise<number> {
  const { checked, counts, violations, skipped } = await checkLogs({ paths: [dir], nats });
  log(`checked: ${checked['shown states']} shown states, ${checked['acked commands']} acked commands`);
  for (const [what, count] of Object.entries(skipped)) log(`not checked: ${count} ${what}`);
  const others = Object.keys(counts).filter((rule) => rule !== 'shown_committed' && rule !== 'command_kept');
  const told = violations.slice(0, 5).map(({ rule, where, text }) => `${rule}, ${where}: ${text}`);
  if (others.length > 0) throw new Error(`rules of the checker are broken: ${told.join('; ')}`);
  return (counts.shown_committed ?? 0) + (counts.command_kept ?? 0);
}

function resultOf(measured: Measured): BenchmarkResult {
  const { rtoMs, killGapsMs, moveGapsMs, drainGapsMs, drainSeconds, drainedGames } = measured;
  const movePausesMs = moveGapsMs.map((ms) => Math.max(0, ms - TICK_MS));
  const ms = (value: number) => rounded(value, 4);
  return {
    keys: {
      killRtoMaxMs: ms(Math.max(...rtoMs)),
      killRtoP50Ms: ms(quantile(rtoMs, 0.5)),
      lostRecords: measured.lostRecords,
      socketsClosed: measured.socketsClosed,
      movePauseP99Ms: ms(quantile(movePausesMs, 0.99)),
      drainSeconds: rounded(Math.max(...drainSeconds)),
    },
    rows: [
      rowOf('killed', killGapsMs, `${rtoMs.length} games`),
      rowOf('moved', moveGapsMs, `${moveGapsMs.length} games`),
      rowOf(
        'drained',
        drainGapsMs,
        `${drainGapsMs.length} games, at least ${Math.min(...drainedGames)} at once`,
      ),
    ],
    plot: {
      title: 'How long players saw nothing new',
      unit: 'ms',
      rows: [
        { label: 'killed', values: killGapsMs },
        { label: 'moved', values: moveGapsMs },
        { label: 'drained', values: drainGapsMs },
      ],
    },
  };
}

function rowOf(name: string, gapsMs: readonly number[], what: string): Row {
  const at = (share: number) => String(rounded(quantile(gapsMs, share), 4));
  return {
    name,
    cells: {
      what,
      'delta to delta, p50 ms': at(0.5),
      'p99 ms': at(0.99),
      'longest ms': at(1),
    },
  };
}
