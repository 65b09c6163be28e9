import { decodeLedgerRecord, ledgerStreamName, userId, userNotice } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import { BusError, type BusMessage, type BusSubscription } from '@breakwater/service-kit';
import { textFrame } from '../fanout/frame.ts';
import type { Connection } from './connection.ts';
import type { FrameHandlers } from './control.ts';
import type { EdgeDeps } from './deps.ts';

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

  /** Notices may have been missed while NATS was away. */
  async #readAgain(): Promise<void> {
    const queue = [...this.#watched.values()].values();
    const worker = async () => {
      for (const watched of queue) {
        const total = await this.#read(watched.user).catch(() => 0);
        if (this.#watched.get(watched.user) === watched) this.#raise(watched, total);
      }
    };
    await Promise.all(Array.from({ length: this.#deps.config.tailCheckConcurrency }, worker));
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
