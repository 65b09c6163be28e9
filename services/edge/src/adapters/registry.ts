import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { CLOSE, type CloseEntry } from '@breakwater/protocol';
import type { WebSocket } from 'ws';
import { PING_FRAME } from '../fanout/frame.ts';
import { Connection, type Identity } from './connection.ts';
import type { EdgeDeps } from './deps.ts';

/** Each connection is looked at once a second; it is pinged when its time has come. */
const SLOTS = 10;
const LOOK_MS = 1_000;

/** Clients may close with any code: only those that mean something here get a series of their own. */
const SHOWN_CODES: ReadonlySet<number> = new Set([
  1005,
  1006,
  ...Object.values(CLOSE).map(({ code }) => code),
]);

const CONNECTION = Symbol('connection');
const REGISTRY = Symbol('registry');

interface Attached {
  [CONNECTION]?: Connection;
  [REGISTRY]?: ConnectionRegistry;
}

export interface RegistryListener {
  onOpen(connection: Connection): void;
  onMessage(connection: Connection, data: Buffer, isBinary: boolean): void;
  /** Once for each connection, when it is closed or about to be: leave everything. */
  onGone(connection: Connection): void;
}

/** All open connections: their shared listeners, pings, silence, token expiry, and their end. */
export class ConnectionRegistry {
  readonly #deps: EdgeDeps;
  readonly #listener: RegistryListener;
  readonly #slots: Set<Connection>[] = Array.from({ length: SLOTS }, () => new Set());
  #nextSlot = 0;
  #lookSlot = 0;
  #stopLooking: (() => void) | undefined;
  #size = 0;

  constructor(deps: EdgeDeps, listener: RegistryListener) {
    this.#deps = deps;
    this.#listener = listener;
  }

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Iterator<Connection> {
    for (const slot of this.#slots) yield* slot;
  }

  start(): void {
    this.#stopLooking = this.#deps.clock.every(LOOK_MS / SLOTS, () => this.#look());
  }

  stop(): void {
    this.#stopLooking?.();
  }

  /** Called synchronously after the upgrade, so that a message in the handshake's packet finds its listener. */
  open(ws: WebSocket, tcp: Socket, identity: Identity): Connection {
    const session = randomBytes(12).toString('base64url');
    const connection = new Connection(ws, tcp, session, identity, this.#deps.clock.monotonicMs());
    connection.bytesHeard = tcp.bytesRead;
    attach(ws, connection, this);
    attach(tcp, connection, this);
    ws.on('message', onMessage);
    ws.on('close', onClose);
    ws.on('error', onError);
    this.#slots[this.#nextSlot]!.add(connection);
    this.#nextSlot = (this.#nextSlot + 1) % SLOTS;
    this.#size += 1;
    this.#deps.metrics.opened.add(1);
    this.#deps.log.info(
      { event: 'connect', session, user: identity.user, address: identity.address },
      'connected',
    );
    this.#listener.onOpen(connection);
    return connection;
  }

  message(connection: Connection, data: Buffer, isBinary: boolean): void {
    this.#listener.onMessage(connection, data, isBinary);
  }

  /** Closes for a reason of ours. The client leaves everything at once; its socket may take a while. */
  close(connection: Connection, entry: CloseEntry): void {
    connection.close(entry, this.#deps.delivery.outbox);
    this.#gone(connection);
  }

  /** For a client that does not read: the close frame may never arrive, and its queue must go. */
  cutOff(connection: Connection): void {
    if (connection.isGone) return;
    this.#deps.metrics.cutOff.add(1);
    connection.batch = null;
    this.close(connection, CLOSE.tooSlow);
    this.#deps.clock.after(LOOK_MS, () => connection.ws.terminate());
  }

  closed(connection: Connection, code: number): void {
    this.#gone(connection);
    for (const slot of this.#slots) {
      if (slot.delete(connection)) this.#size -= 1;
    }
    const shown = connection.closeCode === 0 ? code : connection.closeCode;
    this.#deps.metrics.closed.add(1, { code: SHOWN_CODES.has(shown) ? String(shown) : 'other' });
    this.#deps.log.info(
      { event: 'close', session: connection.session, user: connection.user, code: shown },
      'closed',
    );
  }

  /** Asks to be told when everything that waits for the client has been read. */
  watchBacklog(connection: Connection): void {
    if (connection.isSlow || connection.tcp.writableLength <= this.#deps.config.softLimitBytes) return;
    connection.isSlow = true;
    connection.tcp.once('drain', onDrain);
  }

  drained(connection: Connection): void {
    connection.isSlow = false;
    const { replacements } = connection;
    connection.replacements = null;
    if (connection.isGone) return;
    for (const send of replacements?.values() ?? []) this.#guard(send);
  }

  #guard(send: () => void): void {
    try {
      send();
    } catch (cause) {
      this.#deps.log.error({ err: cause }, 'a replacement for a slow client threw');
    }
  }

  #gone(connection: Connection): void {
    if (connection.isGone) return;
    connection.isGone = true;
    connection.batch = null;
    connection.replacements = null;
    this.#listener.onGone(connection);
  }

  #look(): void {
    const slot = this.#slots[this.#lookSlot]!;
    this.#lookSlot = (this.#lookSlot + 1) % SLOTS;
    const nowMs = this.#deps.clock.monotonicMs();
    const unixMs = this.#deps.clock.unixMs();
    for (const connection of slot) {
      if (!connection.isClosed) this.#lookAt(connection, nowMs, unixMs);
    }
  }

  #lookAt(connection: Connection, nowMs: number, unixMs: number): void {
    if (unixMs >= connection.identity.tokenExpiresAtMs) {
      this.close(connection, CLOSE.tokenExpired);
      return;
    }
    const heard = connection.tcp.bytesRead;
    if (heard !== connection.bytesHeard || connection.isPaused) {
      connection.bytesHeard = heard;
      connection.heardMs = nowMs;
    } else if (nowMs - connection.heardMs >= this.#deps.config.silenceMs - LOOK_MS / 2) {
      this.#cutSilent(connection);
      return;
    }
    if (nowMs - connection.pingMs < this.#deps.config.pingIntervalMs - LOOK_MS / 2) return;
    connection.pingMs = nowMs;
    this.#deps.delivery.outbox.enqueue(connection, PING_FRAME);
  }

  /** A dead peer answers no close frame either. */
  #cutSilent(connection: Connection): void {
    this.close(connection, CLOSE.silent);
    connection.ws.terminate();
  }
}

function attach(target: object, connection: Connection, registry: ConnectionRegistry): void {
  const attached = target as Attached;
  attached[CONNECTION] = connection;
  attached[REGISTRY] = registry;
}

function onMessage(this: WebSocket & Attached, data: unknown, isBinary: boolean): void {
  const connection = this[CONNECTION];
  if (connection === undefined || connection.isClosed || connection.isGone) return;
  this[REGISTRY]!.message(connection, data as Buffer, isBinary);
}

function onClose(this: WebSocket & Attached, code: number): void {
  const connection = this[CONNECTION];
  if (connection !== undefined) this[REGISTRY]!.closed(connection, code);
}

/** `ws` closes a socket that broke the protocol by itself; the close event says how it ended. */
function onError(this: WebSocket & Attached): void {}

function onDrain(this: Socket & Attached): void {
  const connection = this[CONNECTION];
  if (connection !== undefined) this[REGISTRY]!.drained(connection);
}
