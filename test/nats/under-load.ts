/** A whole Breakwater on a NATS that is about to be hurt: bots play and talk, and somebody watches every game. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect, type Game } from '@breakwater/client';
import {
  eventually,
  type LocalService,
  type LogLine,
  type Stack,
  type StackOptions,
  startStack,
} from '@breakwater/testkit';
import { Crowd, comparedShare, describeReport, StreamArchive, signedTokens } from '@breakwater/tools';
import { expect } from 'vitest';
import { expectAwardsHold, expectLogsHold } from '../kept.ts';

const GAMES = 3;
const PLAYERS_PER_GAME = 4;
const CHATTERS = 4;
const RECOVERY_MS = 120_000;
/** Enough to show that something goes on, and not only what was under way. */
const ENOUGH_TICKS = 20;
const ENOUGH_ANSWERS = 10;
/** Of the states that were shown, so much is compared with all its rows. All is usual; a copy may fall behind once. */
const LEAST_COMPARED_SHARE = 0.9;

export type UnderLoadOptions = Pick<StackOptions, 'nats' | 'env'>;

export class UnderLoad implements AsyncDisposable {
  readonly stack: Stack;
  /** Of every service, oldest first. */
  readonly #lines: LogLine[];
  /** By game: its owners, in their order. */
  readonly #owners = new Map<string, { readonly epoch: number; readonly pod: string }[]>();
  /** What no client may notice: a connection that broke, a game that was lost. */
  readonly #notes: string[] = [];
  readonly #stops = new AsyncDisposableStack();
  /** Each by itself, so that nobody is overlooked. */
  readonly #bots: Crowd[] = [];
  readonly #games: Game[] = [];
  readonly #folder: string;
  readonly #pids: ReadonlyMap<string, number>;
  #archive: StreamArchive | undefined;

  private constructor(stack: Stack, folder: string, lines: LogLine[]) {
    this.stack = stack;
    this.#lines = lines;
    this.#folder = folder;
    this.#stops.use(stack);
    this.#pids = pidsOf(stack);
  }

  static async start({ nats, env }: UnderLoadOptions = {}): Promise<UnderLoad> {
    const folder = await mkdtemp(join(tmpdir(), 'breakwater-under-load-'));
    const lines: LogLine[] = [];
    const onLine = (line: LogLine) => void lines.push(line);
    const given = { ...(nats !== undefined && { nats }), ...(env !== undefined && { env }) };
    const stack = await startStack({ ...given, onLine });
    const load = new UnderLoad(stack, folder, lines);
    try {
      await load.#copyLogs();
      await load.#play();
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
    return load;
  }

  /** Logs are purged behind their snapshots, and everything that was shown is to be compared. */
  async #copyLogs(): Promise<void> {
    const file = join(this.#folder, 'games.archive');
    this.#archive = await StreamArchive.start({ nats: this.stack.nats.url, file });
  }

  async #play(): Promise<void> {
    const watcher = await connect({ urls: this.stack.edgeUrls, token: this.stack.token('watcher') });
    this.#stops.use(watcher);
    watcher.on('state', ({ state }) => this.#notes.push(`the watcher is ${state}`));
    for (let index = 0; index < GAMES; index++) await this.#playGame(watcher, index);
    for (let index = 0; index < CHATTERS; index++)
      this.#addBot(`talk-${index}`, { chat: { room: 'general', ratePerSecond: 5 } });
    await this.goesOn();
  }

  async #playGame(watcher: Client, index: number): Promise<void> {
    const { game } = await watcher.games.create('world', { options: { objects: 60, regrowTicks: 20 } });
    const watched = await watcher.games.join(game, { spectate: true });
    const owners = [{ epoch: watched.epoch, pod: watched.pod }];
    this.#owners.set(game, owners);
    watched.on('owner', ({ epoch, toPod }) => owners.push({ epoch, pod: toPod }));
    watched.on('status', ({ status }) => {
      if (status !== 'live' && status !== 'rejoining') this.#notes.push(`game ${game} is ${status}`);
    });
    this.#games.push(watched);
    for (let player = 0; player < PLAYERS_PER_GAME; player++)
      this.#addBot(`play-${index}-${player}`, { play: { games: 0, game } });
  }

  #addBot(run: string, what: Pick<ConstructorParameters<typeof Crowd>[0], 'play' | 'chat'>): void {
    const { edgeUrls: urls, jwtSecret } = this.stack;
    const tokens = signedTokens(jwtSecret, run);
    const bot = new Crowd({ players: 1, urls, tokens, run, record: this.#folder, ...what });
    bot.start();
    this.#bots.push(bot);
  }

  /** What a service says of appends that were not answered with a plain yes; it has to log at the level `debug`. */
  troubles(service: string): string[] {
    const own = this.#lines.filter(({ fields }) => fields?.service === service);
    return own.map(({ fields }) => fields?.cause).filter((cause) => typeof cause === 'string');
  }

  /** Every game shows new ticks, and every bot gets new answers. */
  async goesOn(): Promise<void> {
    const ticks = this.#games.map(({ replica }) => replica.tick);
    const answers = this.#bots.map(answersOf);
    await eventually(
      () => {
        for (const [index, { replica }] of this.#games.entries())
          expect(replica.tick).toBeGreaterThan(ticks[index]! + ENOUGH_TICKS);
        for (const [index, bot] of this.#bots.entries())
          expect(answersOf(bot), `bot ${index}: ${JSON.stringify(bot.stats)}`).toBeGreaterThan(
            answers[index]! + ENOUGH_ANSWERS,
          );
      },
      { timeoutMs: RECOVERY_MS, intervalMs: 100 },
    );
  }

  /** Resolves when no simulation process makes a tick any more. */
  async standsStill(): Promise<void> {
    let before = await this.#ticks();
    await eventually(
      async () => {
        const earlier = before;
        before = await this.#ticks();
        expect(before).toEqual(earlier);
      },
      { timeoutMs: RECOVERY_MS, intervalMs: 400 },
    );
  }

  #ticks(): Promise<number[]> {
    return Promise.all(
      this.stack.simulations.map((each) => metricOf(each, 'breakwater_simulation_ticks_total')),
    );
  }

  /** Seconds that games stood still for want of their log. */
  async frozenSeconds(): Promise<number> {
    const name = 'breakwater_simulation_frozen_seconds_total';
    const each = await Promise.all(this.stack.simulations.map((simulation) => metricOf(simulation, name)));
    return each.reduce((sum, seconds) => sum + seconds, 0);
  }

  /**
   * Nobody's process ended, nobody lost a connection, every change of an owner is one that the matchmaker decided, and
   * what was shown and acknowledged holds before the streams.
   */
  async finish(): Promise<void> {
    expect(pidsOf(this.stack)).toEqual(this.#pids);
    for (const service of this.stack.services)
      expect(service.process.exitStatus, service.name).toBeUndefined();
    for (const { stats } of this.#bots)
      expect(stats).toMatchObject({ connected: 1, reconnects: 0, failures: 0 });
    expect(this.#notes).toEqual([]);
    await Promise.all(this.#bots.map((bot) => bot.stop()));
    await this.#archive?.close();
    const nats = this.stack.nats.url;
    const report = await expectLogsHold({ paths: [this.#folder], nats });
    expect(report.checked).toMatchObject({
      clients: GAMES * PLAYERS_PER_GAME + CHATTERS,
      rooms: 1,
      games: GAMES,
    });
    for (const what of ['shown states', 'acked commands', 'acked messages', 'shown messages'])
      expect(report.checked[what], what).toBeGreaterThan(100);
    expect(comparedShare(report), describeReport(report)).toBeGreaterThanOrEqual(LEAST_COMPARED_SHARE);
    await expectAwardsHold({ nats });
    expect(this.#unexplainedOwners()).toEqual([]);
  }

  /** Changes of owners for which no matchmaker gave a reason: the game had lost its owner, or that one fell silent. */
  #unexplainedOwners(): string[] {
    const said = this.#lines.flatMap(({ fields }) => (fields?.service === 'matchmaker' ? [fields] : []));
    const isExplained = (game: string, from: string) =>
      said.some(
        ({ msg, ...about }) =>
          (msg === 'a game without an owner was looked after' && about.game === game) ||
          (msg === 'a simulation process fell silent' && about.pod === from),
      );
    return [...this.#owners].flatMap(([game, owners]) =>
      owners
        .slice(1)
        .filter((_, index) => !isExplained(game, owners[index]!.pod))
        .map(({ epoch, pod }) => `game ${game}: epoch ${epoch} on ${pod}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stack.nats.resume();
    await Promise.all(this.#bots.map((bot) => bot.stop()));
    await this.#archive?.close().catch(() => undefined);
    await this.#stops.disposeAsync();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const pidsOf = (stack: Stack) => new Map(stack.services.map(({ name, pid }) => [name, pid]));

const answersOf = ({ stats }: Crowd): number => stats.commandsAcked + stats.messagesAcked;

export async function metricOf(service: LocalService, name: string): Promise<number> {
  const text = await (await fetch(`${service.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
}
