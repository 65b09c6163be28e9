import type { Client, Game } from '@breakwater/client';
import { CommandRejectedError, QueueFullError } from '@breakwater/client';
import { Bot } from '@breakwater/game-world/bot';
import type { GameRecorder } from '../recorder/game-recorder.ts';
import type { Recorder } from '../recorder/recorder.ts';
import type { WorldRows } from './rows.ts';
import type { BotStats } from './stats.ts';

/** Above this many commands without an answer a bot waits, as a person would stop hammering. */
const MAX_PENDING = 20;
/** When nobody moves there is no delta for up to a second; a bot that waits for its next blow looks by itself. */
const LOOK_EVERY_MS = 100;

/** Plays the World through the SDK until the game is over for it. */
export class Player {
  readonly #game: Game<WorldRows>;
  readonly #random: () => number;
  readonly #stats: BotStats;
  readonly #recording: GameRecorder | undefined;
  readonly #stops: (() => void)[];
  readonly #over = Promise.withResolvers<void>();
  readonly #timer: NodeJS.Timeout;
  #lastDeltaMs = performance.now();
  #xp: number;
  #pid: number;
  /** Newest that was shown. */
  #tick = 0;
  #bot: Bot;

  private constructor(
    game: Game<WorldRows>,
    pid: number,
    stats: BotStats,
    random: () => number,
    recorder: Recorder | undefined,
  ) {
    this.#game = game;
    this.#random = random;
    this.#pid = pid;
    this.#bot = new Bot(pid, random);
    this.#stats = stats;
    this.#recording = recorder?.game(game as unknown as Game);
    this.#xp = this.#shownXp();
    stats.playing += 1;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#stops = [
      game.on('state', ({ tick }) => this.#onState(tick)),
      game.on('delta', ({ tick }) => this.#onDelta(tick)),
      game.on('owner', () => {
        stats.ownerChanges += 1;
      }),
      game.on('pause', ({ ms }) => {
        stats.longestPauseMs = Math.max(stats.longestPauseMs, ms);
      }),
      game.on('status', ({ status }) => {
        if (status === 'ended' || status === 'lost' || status === 'left') this.#over.resolve();
      }),
    ];
  }

  /** @throws BreakwaterError when the game cannot be joined */
  static async join(
    client: Client,
    gameId: string,
    stats: BotStats,
    random: () => number,
    recorder?: Recorder,
  ): Promise<Player> {
    const game = await client.games.join<WorldRows>(gameId);
    if (game.pid === undefined) throw new Error('a bot was joined as a spectator');
    return new Player(game, game.pid, stats, random, recorder);
  }

  get gameId(): string {
    return this.#game.id;
  }

  /** Resolves when the game is over for this player. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  async leave(): Promise<void> {
    this.#end();
    await this.#game.leave();
  }

  /** The client is gone, and the game with it. */
  drop(): void {
    this.#end();
  }

  #end(): void {
    if (this.#stops.length === 0) return;
    for (const stop of this.#stops.splice(0)) stop();
    clearInterval(this.#timer);
    this.#recording?.stop();
    this.#stats.playing -= 1;
    this.#over.resolve();
  }

  /** Who was away for too long comes back to another seat, and a game that was put back to an earlier time. */
  #onState(tick: number): void {
    const { pid } = this.#game;
    const isBack = tick < this.#tick;
    this.#tick = tick;
    if (pid === undefined || (pid === this.#pid && !isBack)) return;
    this.#pid = pid;
    this.#bot = new Bot(pid, this.#random);
    this.#xp = this.#shownXp();
  }

  #onDelta(tick: number): void {
    this.#tick = tick;
    this.#stats.deltas += 1;
    this.#lastDeltaMs = performance.now();
    this.#countXp();
    this.#decide(0);
  }

  #look(): void {
    const quietMs = performance.now() - this.#lastDeltaMs;
    if (this.#game.status === 'live' && quietMs >= LOOK_EVERY_MS)
      this.#decide(Math.floor((quietMs * this.#game.tickHz) / 1_000));
  }

  /** `ticksSince`: how many the game is ahead of what is shown, as far as one can tell. */
  #decide(ticksSince: number): void {
    if (this.#game.pendingCommands >= MAX_PENDING) return;
    const { replica } = this.#game;
    const view = {
      tick: replica.tick + ticksSince,
      players: replica.table('players').rows,
      objects: replica.table('objects').rows,
    };
    for (const { name, args } of this.#bot.decide(view)) this.#command(name, { ...args });
  }

  #command(name: string, args: Readonly<Record<string, unknown>>): void {
    try {
      const sent = this.#game.command(name, args);
      this.#stats.commandsSent += 1;
      this.#recording?.command(name, sent);
      sent.applied.then(
        () => {
          this.#stats.commandsAcked += 1;
        },
        (error: unknown) => {
          if (!(error instanceof CommandRejectedError)) return;
          this.#stats.commandsAcked += 1;
          this.#stats.commandsRejected += 1;
        },
      );
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
    }
  }

  #countXp(): void {
    const xp = this.#shownXp();
    if (xp > this.#xp) this.#stats.xp += xp - this.#xp;
    this.#xp = xp;
  }

  #shownXp(): number {
    const { pid, replica } = this.#game;
    return pid === undefined ? 0 : (replica.table('players').rows.get(pid)?.xp ?? 0);
  }
}
