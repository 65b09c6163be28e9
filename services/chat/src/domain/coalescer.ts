/**
 * Runs work of a key once for all who ask before it begins. Who asks while it runs shares the next run, so that
 * everyone gets an answer to a question that was asked after theirs. At most two runs of a key are known at a time.
 */
export class Coalescer<T> {
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #next = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#begin(key, work);
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const next = running.then(() => {
      this.#next.delete(key);
      return this.#begin(key, work);
    });
    this.#next.set(key, next);
    return next;
  }

  #begin(key: string, work: () => Promise<T>): Promise<T> {
    const result = work();
    const running = result.then(
      () => undefined,
      () => undefined,
    );
    this.#running.set(key, running);
    void running.then(() => {
      if (this.#running.get(key) === running) this.#running.delete(key);
    });
    return result;
  }
}
