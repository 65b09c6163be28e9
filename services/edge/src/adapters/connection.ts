import type { Socket } from 'node:net';
import type { CloseEntry } from '@breakwater/protocol';
import { WebSocket } from 'ws';
import type { AdmissionBook } from '../domain/admission.ts';
import type { Throttle } from '../domain/throttle.ts';
import type { TokenBucket } from '../domain/token-bucket.ts';
import type { Batch } from '../fanout/batch.ts';
import type { Outbox, Recipient } from '../fanout/outbox.ts';
import type { GameMember } from './game-member.ts';
import type { RoomMember } from './room-member.ts';

/** Who an admitted connection belongs to, and what it counts against. */
export interface Identity {
  readonly user: string;
  name: string;
  readonly address: string;
  tokenExpiresAtMs: number;
  readonly book: AdmissionBook;
}

/**
 * One client connection. There are many thousands of these and most of them idle, so maps and buckets are made when
 * they are first needed and listeners are shared functions that find the connection through the socket.
 */
export class Connection implements Recipient {
  readonly ws: WebSocket;
  readonly tcp: Socket;
  readonly session: string;
  readonly identity: Identity;
  batch: Batch | null = null;
  /** More than the soft limit is waiting: nothing but reliable frames until it has been read. */
  isSlow = false;
  /** Left all rooms and games; the socket may still be closing. */
  isGone = false;
  /** Code of the close frame that we sent; 0 for none. */
  closeCode = 0;
  isPaused = false;
  bucket: TokenBucket | null = null;
  badFrames = 0;
  throttle: Throttle | null = null;
  inFlight = 0;
  /** Monotonic ms after which nothing was heard, as of the last look. */
  heardMs: number;
  bytesHeard = 0;
  pingMs: number;
  /** Monotonic ms when a draining edge closes it; 0 while it does not drain. */
  moveByMs = 0;
  rooms: Map<string, RoomMember> | null = null;
  games: Map<string, GameMember> | null = null;
  /** Ends of the chains of operations that must not overtake each other, by room or game. */
  chains: Map<string, Promise<void>> | null = null;
  /** What to send instead of what a slow client missed, by key. */
  replacements: Map<string, () => void> | null = null;

  constructor(ws: WebSocket, tcp: Socket, session: string, identity: Identity, nowMs: number) {
    this.ws = ws;
    this.tcp = tcp;
    this.session = session;
    this.identity = identity;
    this.heardMs = nowMs;
    this.pingMs = nowMs;
  }

  get user(): string {
    return this.identity.user;
  }

  get name(): string {
    return this.identity.name;
  }

  get isClosed(): boolean {
    return this.ws.readyState !== WebSocket.OPEN;
  }

  /** Sends what was gathered, then a close frame. */
  close(entry: CloseEntry, outbox: Outbox): void {
    if (this.isClosed) return;
    outbox.flushOne(this);
    this.closeCode = entry.code;
    this.ws.close(entry.code, entry.meaning);
  }

  /**
   * Runs work of one room or game after all earlier work of it on this connection.
   * @returns the result of `work`; later work runs whether it fails or not
   */
  chain<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.chains ??= new Map();
    const { chains } = this;
    const result = (chains.get(key) ?? Promise.resolve()).then(work);
    const end = result.then(ignore, ignore).then(() => {
      if (chains.get(key) === end) chains.delete(key);
    });
    chains.set(key, end);
    return result;
  }
}

function ignore(): void {}
