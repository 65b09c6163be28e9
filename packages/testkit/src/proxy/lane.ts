import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** What happens to the bytes of one direction, of all connections. */
export interface LaneRules {
  delayMs: number;
  /** Largest piece that is written at once; 0 passes bytes as they come. */
  splitBytes: number;
  halfOpen: boolean;
}

/** Bytes that wait in a delayed direction before its source is no longer read. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;

interface Parcel {
  content: Buffer | 'end' | 'reset';
  dueMs: number;
}

/** One direction of one connection: reads from `source`, writes to `sink`, in order, by the rules of the moment. */
export class Lane {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #rules: LaneRules;
  readonly #queue: Parcel[] = [];
  #queuedBytes = 0;
  #isPumping = false;

  constructor(source: Socket, sink: Socket, rules: LaneRules) {
    this.#source = source;
    this.#sink = sink;
    this.#rules = rules;
    source.on('data', (bytes: Buffer) => this.#push(bytes));
    source.on('end', () => this.#push('end'));
    source.on('error', () => this.#push('reset'));
    this.update();
  }

  /** To be called when the rules changed. */
  update(): void {
    const isFull = this.#queuedBytes > HIGH_WATER_BYTES;
    if (this.#rules.halfOpen || isFull) this.#source.pause();
    else this.#source.resume();
    if (!this.#rules.halfOpen) void this.#pump();
  }

  #push(content: Parcel['content']): void {
    this.#queue.push({ content, dueMs: performance.now() + this.#rules.delayMs });
    this.#queuedBytes += sizeOf(content);
    this.update();
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (!this.#rules.halfOpen && !this.#sink.destroyed) {
      const parcel = this.#queue[0];
      if (parcel === undefined) break;
      const waitMs = parcel.dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      if (this.#rules.halfOpen) break;
      this.#queue.shift();
      this.#queuedBytes -= sizeOf(parcel.content);
      await this.#deliver(parcel.content);
    }
    this.#isPumping = false;
    if (!this.#rules.halfOpen && this.#queuedBytes <= HIGH_WATER_BYTES) this.#source.resume();
  }

  async #deliver(content: Parcel['content']): Promise<void> {
    if (content === 'end') this.#sink.end();
    else if (content === 'reset') this.#sink.resetAndDestroy();
    else await this.#write(content);
  }

  async #write(bytes: Buffer): Promise<void> {
    const pieceBytes = this.#rules.splitBytes > 0 ? this.#rules.splitBytes : bytes.length;
    for (let at = 0; at < bytes.length && !this.#sink.destroyed; at += pieceBytes) {
      const isTaken = this.#sink.write(bytes.subarray(at, at + pieceBytes));
      if (!isTaken) await drained(this.#sink);
      else if (pieceBytes < bytes.length) await nextTurn();
    }
  }
}

function sizeOf(content: Parcel['content']): number {
  return typeof content === 'string' ? 0 : content.length;
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      socket.off('drain', finish).off('close', finish);
      resolve();
    };
    socket.on('drain', finish).on('close', finish);
    if (socket.destroyed) finish();
  });
}
