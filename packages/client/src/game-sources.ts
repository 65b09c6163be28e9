import type { Link } from './net/link.ts';

/** Where the binary frames of a game come from: one join on one socket. */
export interface Source {
  readonly link: Link;
  readonly handle: number;
  readonly pid: number | undefined;
  readonly ack: number;
  /** The game is volatile: its state may have fallen back behind commands that were covered. */
  readonly mayFallBack: boolean;
  /** Full state was applied from it. */
  isLive: boolean;
  /** Tells whoever waits that it is live, or never will be. */
  readonly settle: () => void;
}

/** The newest join, and while the client moves also the one before it, which keeps the game going until then. */
export class GameSources {
  #current: Source | undefined;
  #old: Source | undefined;

  get current(): Source | undefined {
    return this.#current;
  }

  /** Of a frame that came with `handle` on `link`. */
  find(link: Link, handle: number): Source | undefined {
    return [this.#current, this.#old].find((source) => source?.link === link && source.handle === handle);
  }

  joined(source: Source): void {
    if (this.#current?.isLive === true && this.#current.link !== source.link) this.#old = this.#current;
    else this.#current?.settle();
    this.#current = source;
  }

  /** True if it is the newest and was not live before; the old one is dropped then. */
  becomeLive(source: Source): boolean {
    if (source !== this.#current || source.isLive) return false;
    source.isLive = true;
    this.#dropOld();
    return true;
  }

  /** True if the newest was on this socket. */
  detached(link: Link): boolean {
    if (this.#old?.link === link) this.#dropOld();
    if (this.#current?.link !== link) return false;
    this.#current.settle();
    this.#current = undefined;
    return true;
  }

  clear(): void {
    this.#dropOld();
    this.#current?.settle();
    this.#current = undefined;
  }

  #dropOld(): void {
    this.#old?.settle();
    this.#old = undefined;
  }
}
