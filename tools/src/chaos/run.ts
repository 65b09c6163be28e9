import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@breakwater/testkit';
import { Crowd } from '../bots/crowd.ts';
import { signedTokens, type TokenIssuer, userOf } from '../bots/tokens.ts';
import { ARCHIVE_EXTENSION, StreamArchive } from '../check-logs/archive.ts';
import { checkLogs } from '../check-logs/check-logs.ts';
import type { Report } from '../check-logs/report.ts';
import { messageOf } from '../command.ts';
import { Operator } from '../games/operator.ts';
import { checkLedger } from '../ledger/check-installation.ts';
import type { LedgerReport } from '../ledger/report.ts';
import { StandstillWatch } from '../recorder/standstill.ts';
import { readNoticed } from './noticed.ts';
import type { ChaosOptions } from './options.ts';
import { measureOwnLoad, type OwnLoad } from './own-load.ts';
import { planFaults } from './plan.ts';
import { type Inflicted, Rig } from './rig.ts';
import type { Timeline } from './timeline.ts';
import { compareTotals } from './totals.ts';

/** What a run showed. */
export interface ChaosResult {
  readonly ok: boolean;
  /** What the checker found in the clients' logs. */
  readonly report: Report;
  /** What the ledgers gave when they were held against the logs of the games. */
  readonly ledger: LedgerReport;
  /** Players whose total, as an edge tells it, is that of their ledger. */
  readonly totalsAlike: number;
  readonly timeline: Timeline;
  readonly ownLoad: OwnLoad;
  /** What is not as it must be beside the checker's rules: a process that crashed, a game that did not come back. */
  readonly problems: readonly string[];
}

/** Names the players, and not the chatters. */
const PLAYERS_RUN = 'play';
const CHAT_RATE_PER_SECOND = 0.3;
const START_TIMEOUT_MS = 180_000;
const RECOVERY_TIMEOUT_MS = 120_000;
/** A game whose newest record is younger goes on, ms. */
const FRESH_MS = 5_000;

/** Makes a run; the clients' logs and the archive go to `dir`. @throws Error when it cannot be made */
export async function runChaos(
  options: ChaosOptions,
  dir: string,
  say: (line: string) => void,
): Promise<ChaosResult> {
  mkdirSync(dir, { recursive: true });
  await using rig = await Rig.start(options.size);
  const { nats } = rig.stack;
  await using archive = await StreamArchive.start({
    nats: nats.url,
    file: join(dir, `games${ARCHIVE_EXTENSION}`),
  });
  using standstills = new StandstillWatch();
  const clients = new Clients(options, rig, dir, standstills);
  clients.start();
  await eventually(() => clients.assertAllThere(), { timeoutMs: START_TIMEOUT_MS, intervalMs: 200 });
  say('everybody is there');
  const beginMs = Date.now();
  const endOwnLoad = measureOwnLoad(standstills);
  const inflicted = await inflictAll(options, rig, say);
  const problems = await recover(rig, clients, nats.url);
  await clients.stop();
  const ownLoad = endOwnLoad();
  await archive.close();
  for (const { instance, how, lines } of rig.crashes)
    problems.push(`${instance} ended by itself (${how}): ${lines.at(-1) ?? 'without a word'}`);
  say('holding what the clients saw against the streams');
  const report = await checkLogs({ paths: [dir], nats: nats.url });
  const ledger = await checkLedger({ nats: nats.url, archives: [dir] });
  problems.push(...ledger.violations.map(({ rule, where, text }) => `${rule}, ${where}: ${text}`));
  const totals = { urls: rig.urls, nats: nats.url, token: () => clients.token(), users: clients.players };
  const totalsAlike = await compareTotals(totals).catch((error: unknown) => {
    problems.push(messageOf(error));
    return 0;
  });
  const noticed = (await readNoticed(dir)).filter(({ toMs }) => toMs >= beginMs);
  const durationMs = Date.now() - beginMs;
  const timeline = {
    beginMs,
    durationMs: Math.min(durationMs, options.durationMs),
    inflicted,
    crashes: rig.crashes,
    noticed,
  };
  return { ok: report.ok && problems.length === 0, report, ledger, totalsAlike, timeline, ownLoad, problems };
}

/** Everything at its time; resolves when the time is over and every fault too. */
async function inflictAll(
  options: ChaosOptions,
  rig: Rig,
  say: (line: string) => void,
): Promise<Inflicted[]> {
  const { seed, durationMs, everyMs } = options;
  const faults = planFaults({ seed, durationMs, everyMs, targets: rig.targets });
  const begunMs = performance.now();
  const work = faults.map(async (fault) => {
    await sleep(Math.max(0, fault.atMs - (performance.now() - begunMs)));
    say(`${fault.kind} ${fault.target} for ${fault.forMs} ms`);
    return rig.inflict(fault);
  });
  const [inflicted] = await Promise.all([Promise.all(work), sleep(durationMs)]);
  return inflicted;
}

/** Waits until all is well again. @returns what did not become so */
async function recover(rig: Rig, clients: Clients, nats: string): Promise<string[]> {
  const problems: string[] = [];
  const settle = async (what: string, check: () => void | Promise<void>) => {
    const options = { timeoutMs: RECOVERY_TIMEOUT_MS, intervalMs: 250, message: what };
    await eventually(check, options).catch((error: unknown) => problems.push(messageOf(error)));
  };
  await settle('every process back', () => {
    if (!rig.isWhole) throw new Error('some are still coming back');
  });
  await settle('every client connected and in a game', () => clients.assertAllThere());
  const before = clients.messagesAcked;
  await settle('messages acknowledged again', () => {
    if (clients.hasChat && clients.messagesAcked === before) throw new Error('none was');
  });
  await using operator = await Operator.open(nats);
  await settle('every game going on', () => assertGamesGoOn(operator));
  return problems;
}

async function assertGamesGoOn(operator: Operator): Promise<void> {
  for (const { game, state, players, reason } of await operator.games()) {
    if (state === 'failed') throw new Error(`game ${game} failed: ${reason ?? 'without a reason'}`);
    if (state === 'ended' || players === 0) continue;
    const last = await operator.lastRecord(game);
    const ageMs = Date.now() - (last?.timeMs ?? 0);
    if (ageMs > FRESH_MS) throw new Error(`the newest record of game ${game} is ${ageMs} ms old`);
  }
}

/** Everybody who plays and talks in a run. */
class Clients {
  readonly #players: Crowd;
  readonly #chatters: readonly Crowd[];
  readonly #options: ChaosOptions;
  readonly #tokens: TokenIssuer;

  constructor(options: ChaosOptions, rig: Rig, record: string, standstills: StandstillWatch) {
    const { bots, games, chatters, rooms } = options;
    const { jwtSecret } = rig.stack;
    this.#tokens = signedTokens(jwtSecret, PLAYERS_RUN);
    const shared = { urls: rig.urls, record, standstills };
    this.#options = options;
    this.#players = new Crowd({
      ...shared,
      players: bots,
      tokens: this.#tokens,
      run: 'chaos',
      play: { games },
    });
    this.#chatters = Array.from({ length: Math.min(rooms, chatters) }, (_, room) => {
      const run = `talk-${room}`;
      return new Crowd({
        ...shared,
        players: Math.floor(chatters / rooms) + (room < chatters % rooms ? 1 : 0),
        tokens: signedTokens(jwtSecret, run),
        run,
        chat: { room: `chaos-${room}`, ratePerSecond: CHAT_RATE_PER_SECOND },
      });
    });
  }

  /** User names of those who play. */
  get players(): readonly string[] {
    return Array.from({ length: this.#options.bots }, (_, player) => userOf(PLAYERS_RUN, player));
  }

  /** Of one of them. */
  token(): Promise<string> {
    return this.#tokens(0);
  }

  get hasChat(): boolean {
    return this.#chatters.length > 0;
  }

  get messagesAcked(): number {
    return this.#chatters.reduce((sum, { stats }) => sum + stats.messagesAcked, 0);
  }

  start(): void {
    for (const crowd of [this.#players, ...this.#chatters]) crowd.start();
  }

  /** @throws Error when somebody is not connected, or plays nothing */
  assertAllThere(): void {
    const { bots, chatters } = this.#options;
    const { connected, playing } = this.#players.stats;
    const talking = this.#chatters.reduce((sum, { stats }) => sum + stats.connected, 0);
    if (connected !== bots || playing !== bots || talking !== chatters)
      throw new Error(
        `${connected} of ${bots} bots connected, ${playing} in a game; ${talking} of ${chatters} talk`,
      );
  }

  async stop(): Promise<void> {
    await Promise.all([this.#players, ...this.#chatters].map((crowd) => crowd.stop()));
  }
}
