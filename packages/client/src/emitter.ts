import type { Events, Unsubscribe } from './api.ts';
import { BoundedStream } from './bounded-stream.ts';

/** Typed events. A listener that throws keeps neither the others from hearing nor the SDK from working. */
export class Emitter<E> implements Events<E> {
  readonly #onThrow: (error: unknown) => void;
  readonly #maxBuffered: number;
  readonly #listeners = new Map<keyof E, Set<(value: never) => void>>();
  readonly #streams = new Set<{ end(): void }>();
  #isOver = false;

  constructor(maxBuffered: number, onThrow: (error: unknown) => void) {
    this.#maxBuffered = maxBuffered;
    this.#onThrow = onThrow;
  }

  on<K extends keyof E>(event: K, listener: (value: E[K]) => void): Unsubscribe {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    // A wrapper of its own, so that the same function may be given twice.
    const entry = (value: E[K]): void => listener(value);
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  events<K extends keyof E>(event: K): AsyncIterableIterator<E[K]> {
    return this.stream((push) => this.on(event, push));
  }

  /** A stream of what `start` pushes; `start` gives the function that stops it. */
  stream<T>(start: (push: (item: T) => void) => Unsubscribe): AsyncIterableIterator<T> {
    let stop: Unsubscribe = () => undefined;
    const stream = new BoundedStream<T>(this.#maxBuffered, () => {
      stop();
      this.#streams.delete(stream);
    });
    stop = start((item) => stream.push(item));
    if (this.#isOver) stream.end();
    else this.#streams.add(stream);
    return stream;
  }

  emit<K extends keyof E>(event: K, value: E[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as (value: E[K]) => void)(value);
      } catch (error) {
        this.#onThrow(error);
      }
    }
  }

  /** Ends all streams: nothing more will be emitted that anybody waits for. */
  end(): void {
    this.#isOver = true;
    for (const stream of [...this.#streams]) stream.end();
  }
}
