import { Batch } from './batch.ts';
import type { Frame } from './frame.ts';

/** What the outbox needs of a connection. `batch` belongs to the outbox: the frames of this turn, null for none. */
export interface Recipient {
  batch: Batch | null;
  readonly tcp: Writable;
  /** The socket takes no raw writes any more: closing, closed, or its WebSocket is not open. */
  readonly isClosed: boolean;
}

/** The part of a TCP socket that is used. `writableLength`: bytes accepted by `write` and not yet by the system. */
export interface Writable {
  readonly writableLength: number;
  write(bytes: Uint8Array): boolean;
}

export interface OutboxListener {
  /** Called after a write that left bytes waiting in the process. */
  onBacklog(recipient: Recipient): void;
  /** Called instead of a write that would leave more than `hardLimitBytes` waiting. */
  onOverflow(recipient: Recipient): void;
  /** Called for every write, for the metrics. */
  onWrite(frames: number, bytes: number): void;
}

export interface OutboxOptions {
  readonly hardLimitBytes: number;
  readonly listener: OutboxListener;
  /** Runs the flush after what is going on in this turn. Default `setImmediate`. */
  readonly schedule?: (flush: () => void) => void;
}

/**
 * Gathers the frames of a turn and writes once per socket. Frames bypass `ws`: they go straight to the TCP socket,
 * which is right as long as nothing is compressed or fragmented and every write holds whole frames.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #schedule: (flush: () => void) => void;
  #empty = Batch.empty();
  #waiting: Recipient[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? ((flush) => void setImmediate(flush));
  }

  enqueue(recipient: Recipient, frame: Frame): void {
    if (recipient.isClosed) return;
    if (recipient.batch === null) {
      recipient.batch = this.#empty.next(frame);
      if (this.#waiting.push(recipient) === 1) this.#schedule(this.flush);
    } else {
      recipient.batch = recipient.batch.next(frame);
    }
  }

  /** Writes everything that was gathered. */
  readonly flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#empty = Batch.empty();
    for (const recipient of waiting) this.flushOne(recipient);
  };

  /** Writes the frames of one socket now, so that a close frame can follow them. */
  flushOne(recipient: Recipient): void {
    const { batch, tcp } = recipient;
    if (batch === null) return;
    recipient.batch = null;
    if (recipient.isClosed) return;
    const queuedBytes = tcp.writableLength;
    // One batch on an empty queue always goes out, however large: it is bounded by what one turn gathers.
    if (queuedBytes > 0 && queuedBytes + batch.byteLength > this.#options.hardLimitBytes) {
      this.#options.listener.onOverflow(recipient);
      return;
    }
    this.#options.listener.onWrite(batch.count, batch.byteLength);
    if (!tcp.write(batch.bytes())) this.#options.listener.onBacklog(recipient);
  }
}
