export interface FreezeEvents {
  /** It stands still: by so many ms longer than when this was last told. */
  onFrozen(ms: number): void;
  /** It goes on, after so many ms in all. */
  onThawed(frozenMs: number): void;
}

/** A game stands still while its log cannot be written, so that memory never runs far ahead of it. */
export class Freeze {
  readonly #afterMs: number;
  readonly #events: FreezeEvents;
  #sinceMs: number | undefined;
  #toldMs = 0;
  /** The log has no room for the append that is waited for. */
  isFull = false;

  constructor(afterMs: number, events: FreezeEvents) {
    this.#afterMs = afterMs;
    this.#events = events;
  }

  /** `waitingMs`: how long the append in flight has been unsettled. */
  isFrozen(waitingMs: number, nowMs: number): boolean {
    if (waitingMs < this.#afterMs) return false;
    if (this.#sinceMs === undefined) this.#sinceMs = this.#toldMs = nowMs;
    this.#tell(nowMs);
    return true;
  }

  /** The append is settled. */
  thaw(nowMs: number): void {
    this.isFull = false;
    if (this.#sinceMs === undefined) return;
    this.#tell(nowMs);
    this.#events.onThawed(nowMs - this.#sinceMs);
    this.#sinceMs = undefined;
  }

  #tell(nowMs: number): void {
    if (nowMs > this.#toldMs) this.#events.onFrozen(nowMs - this.#toldMs);
    this.#toldMs = nowMs;
  }
}
