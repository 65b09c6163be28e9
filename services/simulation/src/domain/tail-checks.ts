/** Owners that append nothing are asked now and then whether the log is still theirs. */

export interface CheckedOwner {
  readonly lastSeq: number;
  /** Never rejects. */
  checkTail(): Promise<void>;
}

export interface TailCheckOptions {
  /** An owner without an append for this long looks at its log's tail. */
  readonly everyMs: number;
  /** A pause of the whole process above this makes every owner look. */
  readonly stallMs: number;
  /** Reads on their way at once. */
  readonly maxAtOnce: number;
}

interface Seen {
  lastSeq: number;
  atMs: number;
}

export class TailChecks {
  readonly #options: TailCheckOptions;
  readonly #seen = new WeakMap<CheckedOwner, Seen>();
  #lookedAtMs: number | undefined;
  /** Who was seen before is to look again. */
  #dueSinceMs = Number.NEGATIVE_INFINITY;
  #atOnce = 0;

  constructor(options: TailCheckOptions) {
    this.#options = options;
  }

  /** Records may have come that nobody here heard of. */
  checkAll(nowMs: number): void {
    this.#dueSinceMs = nowMs;
  }

  look(owners: Iterable<CheckedOwner>, nowMs: number): void {
    const { stallMs, maxAtOnce } = this.#options;
    if (this.#lookedAtMs !== undefined && nowMs - this.#lookedAtMs > stallMs) this.checkAll(nowMs);
    this.#lookedAtMs = nowMs;
    for (const owner of owners) {
      if (this.#atOnce >= maxAtOnce) return;
      if (this.#isDue(owner, nowMs)) void this.#check(owner);
    }
  }

  #isDue(owner: CheckedOwner, nowMs: number): boolean {
    const { lastSeq } = owner;
    const seen = this.#seen.get(owner);
    const isStale = seen !== undefined && seen.atMs < this.#dueSinceMs;
    const isQuiet = seen?.lastSeq === lastSeq && nowMs - seen.atMs >= this.#options.everyMs;
    if (isStale || isQuiet || seen?.lastSeq !== lastSeq) this.#seen.set(owner, { lastSeq, atMs: nowMs });
    return isStale || isQuiet;
  }

  async #check(owner: CheckedOwner): Promise<void> {
    this.#atOnce += 1;
    await owner.checkTail();
    this.#atOnce -= 1;
  }
}
