import { decodeLedgerRecord, ledgerStreamName, userId, userNotice } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import { BusError, type BusMessage, type BusSubscription } from '@breakwater/service-kit';
import { textFrame } from '../fanout/frame.ts';
import type { Connection } from './connection.ts';
import type { FrameHandlers } from './control.ts';
import type { EdgeDeps } from './deps.ts';
import { pause } from './log-reader.ts';

/** Passes over the totals that could not be read after a reconnection, with pauses that double: about a minute in all. */
const MAX_PASSES = 18;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** A user whose own total is watched by sockets here. */
interface Watched {
  readonly user: string;
  readonly connections: Set<Connection>;
  readonly inbox: BusSubscription;
  /** The highest heard of: totals only rise. */
  total: number;
}

/** Totals of XP: read from the ledger for whoever asks, and one's own told whenever it rises. */
export class People {
  readonly #deps: EdgeDeps;
  readonly #watched = new Map<string, Watched>();
  #unlisten: () => void = () => undefined;
  /** Reconnections so far: the repair after an older one gives way. */
  #reconnections = 0;

  constructor(deps: EdgeDeps) {
    this.#deps = deps;
  }

  get handlers(): Pick<FrameHandlers, 'people.xp' | 'people.watch'> {
    return {
      'people.xp': async (connection, { id, user }) => {
        const total = await this.#read(user);
        this.#deps.delivery.send(connection, { t: 'people.xp', id, user, total });
      },
      'people.watch': (connection, { id }) => connection.chain('people.', () => this.#watch(connection, id)),
    };
  }

  start(): void {
    this.#unlisten = this.#deps.nats.onReconnect(() => void this.#readAgain());
  }

  stop(): void {
    this.#unlisten();
    this.#reconnections += 1;
    for (const { inbox } of this.#watched.values()) inbox.unsubscribe();
    this.#watched.clear();
  }

  onGone(connection: Connection): void {
    const watched = this.#watched.get(connection.user);
    if (watched === undefined || !watched.connections.delete(connection)) return;
    if (watched.connections.size > 0) return;
    watched.inbox.unsubscribe();
    this.#watched.delete(connection.user);
  }

  /** Listens first and reads then, so that nothing falls between. */
  async #watch(connection: Connection, id: number): Promise<void> {
    const { user } = connection;
    if (connection.isGone) return;
    const watched = this.#watched.get(user) ?? this.#open(user);
    watched.connections.add(connection);
    try {
      this.#raise(watched, await this.#read(user));
    } catch (cause) {
      this.onGone(connection);
      throw cause;
    }
    this.#deps.delivery.send(connection, { t: 'people.xp', id, user, total: watched.total });
  }

  #open(user: string): Watched {
    const { nats, subjects } = this.#deps;
    const inbox = nats.subscribe(subjects.userInbox(userId(user)), {}, (message) =>
      this.#onNotice(watched, message),
    );
    const watched: Watched = { user, connections: new Set(), inbox, total: 0 };
    this.#watched.set(user, watched);
    return watched;
  }

  #onNotice(watched: Watched, message: BusMessage): void {
    const notice = userNotice(message.json());
    switch (notice.kind) {
      case 'xp':
        this.#raise(watched, notice.total);
        break;
      default:
        notice.kind satisfies never;
    }
  }

  #raise(watched: Watched, total: number): void {
    if (total <= watched.total) return;
    watched.total = total;
    const frameOf = () =>
      textFrame(JSON.stringify({ t: 'people.xp', user: watched.user, total: watched.total }));
    const frame = frameOf();
    for (const connection of watched.connections) {
      this.#deps.delivery.latest(connection, 'people.xp', frame, () =>
        this.#deps.delivery.reliable(connection, frameOf()),
      );
    }
  }

  /** Notices may have been missed while NATS was away; what cannot be read yet is tried again. */
  async #readAgain(): Promise<void> {
    this.#reconnections += 1;
    const mine = this.#reconnections;
    let left = [...this.#watched.values()];
    let pauseMs = FIRST_PAUSE_MS;
    for (let passes = 1; ; passes++) {
      left = await this.#readAll(left, () => mine === this.#reconnections);
      if (left.length === 0 || mine !== this.#reconnections) return;
      if (passes === MAX_PASSES) break;
      await pause(this.#deps, pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
    this.#deps.log.warn({ users: left.length }, 'totals of XP could not be read again after a reconnection');
  }

  /** @returns those whose total could not be read and is still wanted */
  async #readAll(users: readonly Watched[], isWanted: () => boolean): Promise<Watched[]> {
    const queue = users.values();
    const failed: Watched[] = [];
    const isWatched = (watched: Watched) => this.#watched.get(watched.user) === watched;
    const worker = async () => {
      for (const watched of queue) {
        if (!isWanted()) return;
        if (!isWatched(watched)) continue;
        try {
          const total = await this.#read(watched.user);
          if (isWatched(watched)) this.#raise(watched, total);
        } catch (cause) {
          failed.push(watched);
          this.#deps.log.debug({ err: cause }, 'a total of XP cannot be read yet');
        }
      }
    };
    await Promise.all(Array.from({ length: this.#deps.config.tailCheckConcurrency }, worker));
    return failed;
  }

  /** What the newest record of the ledger says; 0 for who has none. */
  async #read(user: string): Promise<number> {
    const { nats, subjects, config } = this.#deps;
    const id = userId(user);
    try {
      const stream = ledgerStreamName(id, config.partitions);
      const newest = await nats.lastMessage(stream, subjects.ledger(id));
      if (newest === undefined) return 0;
      const decoded = decodeLedgerRecord(newest.data);
      if (!decoded.ok) throw decoded.error;
      return decoded.value.total;
    } catch (cause) {
      // Simulation makes the stream when it starts for the first time.
      if (cause instanceof BusError && cause.code === 'not_found') throw new ProtocolError('unavailable');
      throw cause;
    }
  }
}
