import { ProtocolError } from '@breakwater/protocol';

/** Runs tasks of one key one after the other; at most `maxWaiting` wait. */
export class Serial {
  readonly #maxWaiting: number;
  readonly #tails = new Map<string, Promise<unknown>>();
  #waiting = 0;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** @throws ProtocolError `busy` when too many wait; what the task throws */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#maxWaiting) throw new ProtocolError('busy');
    this.#waiting += 1;
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(task, task);
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
