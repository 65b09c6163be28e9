/** Sends a game's commands, again until the state covers them, and tells each caller what became of its own. */

import { CommandLog, type Coverage } from './domain/command-log.ts';
import { type BreakwaterError, CommandLostError, CommandRejectedError } from './errors.ts';
import { checkedFrameBytes } from './frame-check.ts';
import type { Source } from './game-sources.ts';
import type { Link } from './net/link.ts';
import type { Settings } from './runtime.ts';

type Args = Readonly<Record<string, unknown>> | undefined;

/** The delay before a resend doubles up to this many times the first. */
const MAX_RESEND_FACTOR = 8;

export class GameCommands {
  readonly #game: string;
  readonly #settings: Settings;
  readonly #log: CommandLog<PromiseWithResolvers<void>>;
  #link: Link | undefined;
  #cancelTimer: () => void = () => undefined;
  #resends = 0;
  /** One command is sent alone, until it is covered. */
  #isAlone = false;

  constructor(game: string, settings: Settings) {
    this.#game = game;
    this.#settings = settings;
    this.#log = new CommandLog(settings.limits.maxPendingCommands);
  }

  get ack(): number {
    return this.#log.ack;
  }

  get size(): number {
    return this.#log.size;
  }

  /** Throws `QueueFullError`, `BadArgumentError`. */
  send(
    name: string,
    args: Args,
    maxFrameBytes: number,
  ): { readonly n: number; readonly applied: Promise<void> } {
    checkedFrameBytes(this.#frame({ n: Number.MAX_SAFE_INTEGER, name, args }), maxFrameBytes);
    const result = Promise.withResolvers<void>();
    // Most callers look at the state instead.
    result.promise.catch(() => undefined);
    const entry = this.#log.add(name, args, result);
    const isFirst = this.#log.size === 1;
    if (isFirst || !this.#isAlone) this.#link?.send(this.#frame(entry));
    if (isFirst) this.#plan();
    return { n: entry.n, applied: result.promise };
  }

  /**
   * The game was joined on `link`; what the state does not cover goes out there. Where that may have fallen back
   * behind what was covered once, the owner takes the first command that reaches it as the next one, whatever its
   * number: no other may be on its way that could overtake it. `shownAck` is that of the state that is shown.
   */
  joined(source: Source, pid: number, shownAck: number | undefined): void {
    const { link, ack, mayFallBack } = source;
    const isSetBack = shownAck !== undefined && this.isSetBack(source, shownAck);
    this.#settle(isSetBack ? this.#log.setBack(pid, shownAck) : this.#log.joined(pid, ack));
    this.#link = link;
    this.#isAlone = mayFallBack;
    this.resend();
  }

  /** Only a log that was put back from a backup covers fewer commands than it did. */
  isSetBack({ mayFallBack }: Source, shownAck: number): boolean {
    return !mayFallBack && shownAck < this.#log.ack;
  }

  /** Nothing may be sent until the next join. */
  pause(): void {
    this.#link = undefined;
    this.#cancelTimer();
  }

  /** Another process hosts the game, or nothing was covered for long: what was sent may be lost on the way. */
  resend(): void {
    this.#resends = 0;
    this.#transmit();
  }

  covered(ack: number): void {
    if (ack <= this.#log.ack) return;
    this.#resends = 0;
    this.#settle(this.#log.covered(ack));
    if (!this.#isAlone) {
      this.#plan();
      return;
    }
    this.#isAlone = false;
    this.#transmit();
  }

  rejected(n: number, reason: string): void {
    this.#log.rejected(n)?.payload.reject(new CommandRejectedError(n, reason));
  }

  /** The game is over for this player. */
  end(error: BreakwaterError): void {
    this.pause();
    for (const entry of this.#log.clear()) entry.payload.reject(error);
  }

  #settle({ applied, lost }: Coverage<PromiseWithResolvers<void>>): void {
    for (const entry of applied) entry.payload.resolve();
    for (const entry of lost)
      entry.payload.reject(
        new CommandLostError(
          entry.n,
          'the seat was lost, another session plays it, or the game was put back',
        ),
      );
  }

  #transmit(): void {
    const entries = this.#log.uncovered();
    for (const entry of this.#isAlone ? entries.slice(0, 1) : entries) this.#link?.send(this.#frame(entry));
    this.#plan();
  }

  #plan(): void {
    this.#cancelTimer();
    if (this.#link === undefined || this.#log.size === 0) return;
    const delayMs = this.#settings.times.commandResendMs * Math.min(2 ** this.#resends, MAX_RESEND_FACTOR);
    this.#cancelTimer = this.#settings.clock.after(delayMs, () => {
      this.#resends++;
      this.#transmit();
    });
  }

  #frame({ n, name, args }: { n: number; name: string; args: Args }) {
    const base = { t: 'game.command', game: this.#game, n, name } as const;
    return args === undefined ? base : { ...base, args };
  }
}
