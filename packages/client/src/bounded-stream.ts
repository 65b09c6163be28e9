import { StreamOverflowError } from './errors.ts';

interface Reader<T> {
  resolve(result: IteratorResult<T>): void;
  reject(error: Error): void;
}

/** An async iterator with a bounded buffer; running over it is an error for the reader, never silent. */
export class BoundedStream<T> implements AsyncIterableIterator<T> {
  readonly #maxBuffered: number;
  readonly #onDone: () => void;
  #buffer: T[] = [];
  #readers: Reader<T>[] = [];
  #failure: Error | undefined;
  #isDone = false;

  constructor(maxBuffered: number, onDone: () => void) {
    this.#maxBuffered = maxBuffered;
    this.#onDone = onDone;
  }

  push(item: T): void {
    if (this.#isDone) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ done: false, value: item });
    else if (this.#buffer.length < this.#maxBuffered) this.#buffer.push(item);
    else this.#finish(new StreamOverflowError(this.#maxBuffered));
  }

  end(): void {
    this.#finish(undefined);
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#buffer.length > 0) return Promise.resolve({ done: false, value: this.#buffer.shift()! });
    if (this.#failure !== undefined) return this.#fail();
    if (this.#isDone) return Promise.resolve({ done: true, value: undefined });
    // A program may call `next` as often as it likes; what it waits for is bounded all the same.
    if (this.#readers.length >= this.#maxBuffered)
      return Promise.reject(new StreamOverflowError(this.#maxBuffered));
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T>> {
    this.#buffer = [];
    this.#finish(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The failure comes once, after what was buffered. */
  #fail(): Promise<never> {
    const failure = this.#failure;
    this.#failure = undefined;
    return Promise.reject(failure);
  }

  #finish(failure: Error | undefined): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#failure = failure;
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) reader.resolve({ done: true, value: undefined });
    this.#onDone();
  }
}
