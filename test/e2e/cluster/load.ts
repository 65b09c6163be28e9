import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KINDS } from '@breakwater/game-world/view';
import { eventually } from '@breakwater/testkit';
import {
  Crowd,
  checkLogs,
  comparedShare,
  describeReport,
  type Report,
  StreamArchive,
  signedTokens,
} from '@breakwater/tools';
import { expect } from 'vitest';
import { NEWEST_GAMES } from './images.ts';
import type { Installation } from './installation.ts';
import { runId } from './kubernetes.ts';
import { checkLedgers } from './ledgers.ts';
import { tellMeasured } from './measured.ts';

export interface LoadOptions {
  /** Also names the room and the users. */
  readonly name: string;
  readonly players?: number;
  /** Games to make; 0: the bots only talk. */
  readonly games?: number;
  /** Messages a second of each bot. */
  readonly ratePerSecond?: number;
  /**
   * Copy the logs of the games before they are purged; not where NATS goes away, or the API server, through which the
   * copies come. Default: when they play.
   */
  readonly isArchived?: boolean;
}

const ALL_THERE_TIMEOUT_MS = 120_000;
/** A pod of NATS that comes back takes as long as the cluster needs. */
const MAX_GAP_MS = 120_000;
/** States with all their rows; a player sees twenty a second. */
const FEWEST_COMPARED = 100;
/** Of everything that was shown; copies come through a forward, which may fall behind. */
const LEAST_COMPARED_SHARE = 0.5;

/** Bots that play and talk, and a record of what each was shown and acknowledged. */
export class Load implements AsyncDisposable {
  readonly #installation: Installation;
  readonly #name: string;
  readonly #crowd: Crowd;
  readonly #folder: string;
  readonly #players: number;
  readonly #isPlaying: boolean;
  #archive: Archive | undefined;

  private constructor(installation: Installation, crowd: Crowd, folder: string, options: LoadOptions) {
    this.#installation = installation;
    this.#name = options.name;
    this.#crowd = crowd;
    this.#folder = folder;
    this.#players = options.players ?? DEFAULTS.players;
    this.#isPlaying = (options.games ?? DEFAULTS.games) > 0;
  }

  /** Resolves when every bot is connected, plays and has been heard. */
  static async start(installation: Installation, options: LoadOptions): Promise<Load> {
    const { name, players, games, ratePerSecond } = { ...DEFAULTS, ...options };
    const folder = await mkdtemp(join(process.env.BREAKWATER_E2E_FOLDER ?? '', `${name}-`));
    const run = `${name}-${runId()}`;
    const crowd = new Crowd({
      players,
      urls: [await installation.url('edge')],
      tokens: signedTokens(await installation.jwtSecret(), run),
      run,
      ...(games > 0 && { play: { games } }),
      chat: { room: run, ratePerSecond },
      record: folder,
    });
    const load = new Load(installation, crowd, folder, options);
    try {
      if (options.isArchived ?? games > 0) load.#archive = await Archive.start(installation, folder);
      crowd.start();
      await load.allThere();
      await load.progress();
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
    return load;
  }

  get stats() {
    return this.#crowd.stats;
  }

  /** Resolves when every bot is connected and, if it plays, in its game. */
  async allThere(): Promise<void> {
    await eventually(
      () => {
        expect(this.stats.connected).toBe(this.#players);
        expect(this.stats.playing).toBe(this.#isPlaying ? this.#players : 0);
      },
      { timeoutMs: ALL_THERE_TIMEOUT_MS, intervalMs: 200, message: 'that all bots are there' },
    );
  }

  /** Resolves when, from now on, messages were acknowledged and games went on. */
  async progress(): Promise<void> {
    const { messagesAcked, deltas } = this.stats;
    await eventually(
      () => {
        expect(this.stats.messagesAcked).toBeGreaterThan(messagesAcked + 5);
        if (this.#isPlaying) expect(this.stats.deltas).toBeGreaterThan(deltas + 20);
      },
      { timeoutMs: ALL_THERE_TIMEOUT_MS, intervalMs: 100, message: 'progress' },
    );
  }

  /** Games that were joined, by whoever joined them: each join that the clients wrote down. */
  async joined(): Promise<ReadonlyMap<string, readonly string[]>> {
    const joins = new Map<string, string[]>();
    for (const file of await readdir(this.#folder)) {
      const lines = (await readFile(join(this.#folder, file), 'utf8')).split('\n');
      for (const line of lines) {
        if (!line.includes('"game.join"')) continue;
        const { game } = JSON.parse(line) as { game: string };
        joins.set(file, [...(joins.get(file) ?? []), game]);
      }
    }
    return joins;
  }

  /**
   * Ends the load and judges: what was acknowledged and shown against the streams, and the ledgers against the logs of
   * the games. What it measured is told at the end of the run.
   */
  async judge(): Promise<Report> {
    await this.#crowd.stop();
    await this.#archive?.close();
    await using nats = await this.#installation.nats();
    const report = await checkLogs({
      paths: [this.#folder],
      nats: nats.url,
      games: NEWEST_GAMES,
      maxGapMs: MAX_GAP_MS,
    });
    expect(report.violations).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.checked.clients).toBeGreaterThanOrEqual(this.#players);
    expect(report.checked['acked messages']).toBeGreaterThan(0);
    if (this.#isPlaying) this.#assertCompared(report);
    this.#tell(report);
    if (this.#isPlaying) await this.#checkLedgers(nats.url);
    return report;
  }

  /** Without copies only what was not purged can be compared. */
  #assertCompared(report: Report): void {
    expect(report.checked['shown states'] ?? 0, describeReport(report)).toBeGreaterThan(FEWEST_COMPARED);
    if (this.#archive !== undefined)
      expect(comparedShare(report), describeReport(report)).toBeGreaterThanOrEqual(LEAST_COMPARED_SHARE);
  }

  /** Each award that the bots saw is in a ledger and, if it was copied, in the log that gave it. */
  async #checkLedgers(nats: string): Promise<void> {
    const { checked } = await checkLedgers(nats, this.#folder);
    expect(checked.XP).toBeGreaterThanOrEqual(this.stats.xp);
    if (this.#archive === undefined) return;
    const fewest = Math.floor(this.stats.xp / Math.max(...KINDS.map(({ worth }) => worth)));
    expect(checked['awards found in the logs'] ?? 0).toBeGreaterThanOrEqual(fewest);
  }

  /** An owner that is killed leaves the players without a delta until the next one's first: the gap is the RTO. */
  #tell({ gaps: { owner } }: Report): void {
    if (owner === undefined) return;
    const times = `median ${Math.round(owner.p50Ms)} ms, longest ${Math.round(owner.maxMs)} ms`;
    const sockets = `${this.stats.reconnects} reconnections`;
    tellMeasured(
      `${this.#name}: RTO ${times} from the last delta of an owner to the first of the next, as players saw it ` +
        `(${owner.count} times); ${sockets}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crowd.stop();
    await this.#archive?.[Symbol.asyncDispose]();
  }
}

/** Copies of the logs of all games, made through a forward of their own. */
class Archive implements AsyncDisposable {
  readonly #copies: StreamArchive;
  readonly #forward: AsyncDisposable;
  #end: Promise<void> | undefined;

  private constructor(copies: StreamArchive, forward: AsyncDisposable) {
    this.#copies = copies;
    this.#forward = forward;
  }

  static async start(installation: Installation, folder: string): Promise<Archive> {
    const forward = await installation.nats();
    try {
      const file = join(folder, 'games.archive');
      return new Archive(await StreamArchive.start({ nats: forward.url, file }), forward);
    } catch (error) {
      await forward[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws Error when not everything could be copied */
  close(): Promise<void> {
    this.#end ??= this.#copies.close().finally(() => this.#forward[Symbol.asyncDispose]());
    return this.#end;
  }

  /** After a test that failed what is missing of the copies says nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => undefined);
  }
}

const DEFAULTS = { players: 8, games: 2, ratePerSecond: 2 } as const;
