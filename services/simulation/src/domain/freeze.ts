/** A game stands still while its log cannot be written, so that memory never runs far ahead of it. */
export class Freeze {
  readonly #afterMs: number;
  readonly #onThawed: (frozenMs: number) => void;
  #sinceMs: number | undefined;
  /** The log has no room for the append that is waited for. */
  isFull = false;

  constructor(afterMs: number, onThawed: (frozenMs: number) => void) {
    this.#afterMs = afterMs;
    this.#onThawed = onThawed;
  }

  /** `waitingMs`: how long the append in flight has been unsettled. */
  isFrozen(waitingMs: number, nowMs: number): boolean {
    if (waitingMs < this.#afterMs) return false;
    this.#sinceMs ??= nowMs;
    return true;
  }

  /** The append is settled. */
  thaw(nowMs: number): void {
    this.isFull = false;
    if (this.#sinceMs === undefined) return;
    this.#onThawed(nowMs - this.#sinceMs);
    this.#sinceMs = undefined;
  }
}
