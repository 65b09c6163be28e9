/** How often a game was loaded again because it threw, as its log tells: a takeover does not forget it. */

/** A mark in the log counts for this long of the game's own time. */
const WINDOW_SECONDS = 60;

export class Restarts {
  readonly #windowTicks: number;
  #ticks: readonly number[];
  #isUnstored = false;

  constructor(tickHz: number, ticks: readonly number[]) {
    this.#windowTicks = WINDOW_SECONDS * tickHz;
    this.#ticks = ticks;
  }

  /** What the log says after it was read again. */
  read(ticks: readonly number[]): void {
    this.#ticks = ticks;
  }

  /** Ticks of those that count at `tick`. */
  recent(tick: number): readonly number[] {
    return this.#ticks.filter((each) => each > tick - this.#windowTicks);
  }

  /** One more, whose mark goes with the next append; until that is stored the game must not step. */
  mark(tick: number): void {
    this.#ticks = [...this.recent(tick), tick];
    this.#isUnstored = true;
  }

  get isUnstored(): boolean {
    return this.#isUnstored;
  }

  stored(): void {
    this.#isUnstored = false;
  }
}
