import type { Writable } from 'node:stream';

/** Streams whose reader is gone (EPIPE). Kept by stream: several writers may share stdout. */
const watched = new WeakSet<Writable>();
const gone = new WeakSet<Writable>();

/** A reader that is gone costs log lines, never the process. */
function watchErrors(stream: Writable): void {
  if (watched.has(stream)) return;
  watched.add(stream);
  stream.on('error', () => gone.add(stream));
}

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

  constructor(stream: Writable, maxBytes: number) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
    watchErrors(stream);
  }

  get droppedLines(): number {
    return this.#dropped;
  }

  write(line: string): void {
    const isFull = this.#stream.writableLength + line.length > this.#maxBytes;
    if (isFull || gone.has(this.#stream)) this.#dropped += 1;
    else this.#stream.write(line);
  }

  /** Resolves when everything is written, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void> {
    if (gone.has(this.#stream) || this.#stream.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#stream.write('', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
