import { QueueFullError } from '../errors.ts';

/** How much may wait to be sent or answered, over everything that one client does. */
export class Budget {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #count = 0;
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Throws `QueueFullError`; the result gives the place back, once. */
  take(bytes: number): () => void {
    if (this.#count + 1 > this.#maxCount) throw new QueueFullError(`${this.#maxCount} requests wait already`);
    if (this.#bytes + bytes > this.#maxBytes)
      throw new QueueFullError(`over ${this.#maxBytes} bytes would wait`);
    this.#count++;
    this.#bytes += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#count--;
      this.#bytes -= bytes;
    };
  }
}
