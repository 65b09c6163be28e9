/** Runs work of one key one after the other, and work of different keys at once. */
export class KeyedLock {
  readonly #maxWaiting: number;
  readonly #refusal: () => Error;
  readonly #tails = new Map<string, Promise<unknown>>();
  #waiting = 0;

  /**
   * @param maxWaiting work of all keys together that runs or waits for its turn
   * @param refusal what is thrown at whatever comes above it
   */
  constructor(maxWaiting: number, refusal: () => Error) {
    this.#maxWaiting = maxWaiting;
    this.#refusal = refusal;
  }

  /** Resolves or rejects as the work does. @throws what `refusal` makes when too much waits */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#maxWaiting) throw this.#refusal();
    this.#waiting += 1;
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined);
    this.#tails.set(key, tail);
    try {
      return await mine;
    } finally {
      this.#waiting -= 1;
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
