import { mkdirSync } from 'node:fs';
import type { ConnectOptions } from '@breakwater/client';
import { StandstillWatch } from '../recorder/standstill.ts';
import { BotUser } from './bot.ts';
import type { ChatOptions } from './chatter.ts';
import { type GameChoice, GameChooser } from './game-choice.ts';
import { BotStats } from './stats.ts';
import type { TokenIssuer } from './tokens.ts';

export interface CrowdOptions {
  readonly players: number;
  readonly urls: readonly string[];
  readonly tokens: TokenIssuer;
  /** Names this run in keys of games. */
  readonly run: string;
  /** Undefined: the bots only talk. */
  readonly play?: GameChoice | undefined;
  readonly chat?: ChatOptions | undefined;
  /** Folder for client logs, one file for each connection. */
  readonly record?: string | undefined;
  /** Notices for the logs when this process stands still. Default, with a record: one of the crowd's own. */
  readonly standstills?: StandstillWatch | undefined;
  /** New bots a second. Default 50. */
  readonly startsPerSecond?: number | undefined;
  readonly onFailure?: ((error: unknown) => void) | undefined;
  readonly connect?: Partial<ConnectOptions>;
}

const DEFAULT_STARTS_PER_SECOND = 50;

/** Many bots. */
export class Crowd implements AsyncDisposable {
  readonly stats = new BotStats();
  readonly #bots: BotUser[];
  readonly #startDelayMs: number;
  readonly #ownStandstills: StandstillWatch | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CrowdOptions) {
    const { record, play, run } = options;
    if (record !== undefined && options.standstills === undefined)
      this.#ownStandstills = new StandstillWatch();
    if (record !== undefined) mkdirSync(record, { recursive: true });
    const chooser = play === undefined ? undefined : new GameChooser(play, run);
    this.#startDelayMs = 1_000 / (options.startsPerSecond ?? DEFAULT_STARTS_PER_SECOND);
    this.#bots = Array.from({ length: options.players }, (_, number) => {
      return new BotUser({
        number,
        urls: options.urls,
        token: () => options.tokens(number),
        chooser,
        chat: options.chat,
        record,
        standstills: options.standstills ?? this.#ownStandstills,
        stats: this.stats,
        random: Math.random,
        onFailure: options.onFailure ?? (() => undefined),
        ...(options.connect === undefined ? {} : { connect: options.connect }),
      });
    });
  }

  /** Begins; the bots come one after the other. */
  start(): void {
    const waiting = this.#bots.values();
    const next = () => {
      const { value, done } = waiting.next();
      if (done === true) return;
      value.start();
      this.#timer = setTimeout(next, this.#startDelayMs);
    };
    next();
  }

  /** Median round trip of the bots that know theirs, ms. */
  roundTripMs(): number | undefined {
    const known = this.#bots.map((bot) => bot.roundTripMs).filter((ms) => ms !== undefined);
    known.sort((a, b) => a - b);
    return known[Math.floor(known.length / 2)];
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#bots.map((bot) => bot.stop()));
    this.#ownStandstills?.[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
