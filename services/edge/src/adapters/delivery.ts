import { ERRORS, type ErrorCode, encodeServerFrame, type ServerFrame } from '@breakwater/protocol';
import { type Frame, textFrame } from '../fanout/frame.ts';
import type { Outbox } from '../fanout/outbox.ts';
import type { Connection } from './connection.ts';
import type { EdgeMetrics } from './deps.ts';

export interface ErrorDetails {
  readonly id?: number | undefined;
  readonly message?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly room?: string | undefined;
  readonly game?: string | undefined;
}

/** An error frame: the catalogue's sentence unless there is a better one. */
export function errorFrame(code: ErrorCode, { message, ...details }: ErrorDetails = {}): Frame {
  const known = Object.entries(details).filter(([, value]) => value !== undefined);
  const frame = { t: 'error', code, message: message ?? ERRORS[code].message, ...Object.fromEntries(known) };
  return textFrame(JSON.stringify(frame));
}

/**
 * The three ways to send. `reliable`: queued to the hard limit, then the client is cut off and resumes. `latest`: a
 * client that reads too slowly gets a newer one, later. `ephemeral`: it gets none.
 */
export class Delivery {
  readonly outbox: Outbox;
  readonly #latestDropped: { add(n: number): void };
  readonly #ephemeralDropped: { add(n: number): void };

  constructor(outbox: Outbox, metrics: EdgeMetrics) {
    this.outbox = outbox;
    this.#latestDropped = metrics.dropped.with({ class: 'latest' });
    this.#ephemeralDropped = metrics.dropped.with({ class: 'ephemeral' });
  }

  reliable(connection: Connection, frame: Frame): void {
    this.outbox.enqueue(connection, frame);
  }

  /** Encodes a frame that goes to one client only. */
  send(connection: Connection, frame: ServerFrame): void {
    if (!connection.isClosed) this.outbox.enqueue(connection, textFrame(encodeServerFrame(frame)));
  }

  error(connection: Connection, code: ErrorCode, details?: ErrorDetails): void {
    this.outbox.enqueue(connection, errorFrame(code, details));
  }

  /** `replace` runs instead, when the client has read what waits; one for each key. */
  latest(connection: Connection, key: string, frame: Frame, replace: () => void): void {
    if (!connection.isSlow) {
      this.outbox.enqueue(connection, frame);
      return;
    }
    this.#latestDropped.add(1);
    this.whenRead(connection, key, replace);
  }

  ephemeral(connection: Connection, frame: Frame): void {
    if (connection.isSlow) this.#ephemeralDropped.add(1);
    else this.outbox.enqueue(connection, frame);
  }

  /** Runs once the slow client has read everything that waits for it; a newer one for the same key replaces it. */
  whenRead(connection: Connection, key: string, send: () => void): void {
    connection.replacements ??= new Map();
    connection.replacements.set(key, send);
  }
}
