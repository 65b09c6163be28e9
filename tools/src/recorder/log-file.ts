import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { LogLine } from './log-line.ts';

/** Lines are gathered up to this before they are handed to the file. */
const CHUNK_CHARACTERS = 32_768;

export interface LogFileOptions {
  /** Bytes that may wait for the disk; above it recording fails rather than leave lines out. Default 64 MiB. */
  readonly maxPendingBytes?: number;
}

/** Writes the lines of one client log. A log with holes would accuse the innocent, so it is whole or it fails. */
export class LogFile {
  readonly path: string;
  readonly #stream: WriteStream;
  readonly #maxPendingBytes: number;
  #gathered = '';
  #error: Error | undefined;
  #isClosed = false;

  constructor(path: string, options: LogFileOptions = {}) {
    this.path = path;
    this.#maxPendingBytes = options.maxPendingBytes ?? 64 * 1024 * 1024;
    mkdirSync(dirname(path), { recursive: true });
    this.#stream = createWriteStream(path, { flags: 'wx' });
    this.#stream.on('error', (error) => {
      this.#error ??= error;
    });
  }

  /** Ignored once closed. @throws Error when the disk cannot keep up, or failed */
  write(line: LogLine): void {
    if (this.#isClosed) return;
    if (this.#error !== undefined) throw this.#error;
    this.#gathered += `${JSON.stringify(line)}\n`;
    if (this.#gathered.length >= CHUNK_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#gathered === '') return;
    if (this.#stream.writableLength > this.#maxPendingBytes)
      this.#error = new Error(`${this.path}: the disk does not keep up with the log`);
    if (this.#error !== undefined) throw this.#error;
    this.#stream.write(this.#gathered);
    this.#gathered = '';
  }

  /** @throws Error when not all of it could be written */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.flush();
    this.#isClosed = true;
    this.#stream.end();
    await finished(this.#stream);
    if (this.#error !== undefined) throw this.#error;
  }
}
