import type { Writable } from 'node:stream';

/**
 * Writes lines to a stream without ever waiting for its reader: what is buffered is bounded, and beyond that
 * lines are dropped and counted.
 *
 * For pipes this needs `process.stdout`, not a file-descriptor writer: Node opens stdout pipes non-blocking,
 * while a write of a blocked pipe in the thread pool would also block the exit of the process.
 */
export class BoundedWriter {
  readonly #stream: Writable;
  readonly #maxBytes: number;
  #dropped = 0;
  #gone = false;

  constructor(stream: Writable, maxBytes: number) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    // A reader that is gone (EPIPE) costs log lines, never the process.
    stream.on('error', () => {
      this.#gone = true;
    });
  }

  get droppedLines(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#gone || this.#stream.writableLength + line.length > this.#maxBytes) this.#dropped += 1;
    else this.#stream.write(line);
  }

  /** Resolves when everything is written, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void> {
    if (this.#gone || this.#stream.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#stream.write('', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
