import {
  type ChatRosterReply,
  chatHeartbeat,
  chatRoster,
  chatRosterReply,
  edgeId,
  edgePresence,
  edgeSyncReply,
  podId,
  type RoomId,
  reply,
  roomId,
  type Subjects,
} from '@breakwater/bus';
import type { Decoder } from '@breakwater/protocol';
import type {
  BusMessage,
  BusSubscription,
  Cancel,
  Clock,
  Logger,
  MetricHandles,
  NatsBus,
} from '@breakwater/service-kit';
import type { People } from '../domain/chat.ts';
import type { Departure, Presence } from '../domain/presence.ts';
import type { PresenceFeed, Publication } from '../domain/presence-feed.ts';
import type { Replicas } from '../domain/replicas.ts';
import type { metrics } from '../metrics.ts';

export interface PresenceLinkParts {
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricHandles<typeof metrics>;
  readonly presence: Presence;
  readonly feed: PresenceFeed;
  readonly replicas: Replicas;
  readonly self: string;
  readonly heartbeatMs: number;
  readonly flushMs: number;
  readonly syncTimeoutMs: number;
  /** Told of users whom this replica is responsible for, when they are in no room any more. */
  readonly onDeparture: (departure: Departure) => void;
}

/** Joins the rules of presence to NATS: hears the edges and the other replicas, publishes what changed. */
export class PresenceLink implements People {
  readonly #parts: PresenceLinkParts;
  readonly #subscriptions: BusSubscription[] = [];
  readonly #timers: Cancel[] = [];

  constructor(parts: PresenceLinkParts) {
    this.#parts = parts;
  }

  start(): void {
    const { nats, subjects, clock, presence, replicas, self, heartbeatMs, flushMs } = this.#parts;
    this.#hear(subjects.allEdgePresence(), edgePresence, (message) => {
      presence.heard(message, clock.monotonicMs());
      this.#askEdges();
    });
    this.#hear(subjects.chatHeartbeat(), chatHeartbeat, (message) => {
      replicas.heard(message, clock.monotonicMs());
    });
    const options = { decode: chatRoster };
    const subject = subjects.chatReplicaRoster(podId(self));
    this.#subscriptions.push(nats.handle(subject, options, ({ room }) => this.#localRoster(roomId(room))));
    this.#timers.push(
      clock.every(heartbeatMs, () => this.#beat()),
      clock.every(flushMs, () => this.#flush()),
    );
    this.#beat();
  }

  stop(): void {
    for (const cancel of this.#timers) cancel();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#say({ warm: false, gone: true });
  }

  count(room: RoomId): number {
    return this.#parts.presence.count(room);
  }

  /** From the replica that publishes the room, so that the number fits; our own view if it does not answer. */
  async roster(room: RoomId): Promise<ChatRosterReply> {
    const { nats, subjects, replicas, self, syncTimeoutMs } = this.#parts;
    const publisher = replicas.responsible(room);
    if (publisher === undefined || publisher === self) return this.#localRoster(room);
    try {
      const subject = subjects.chatReplicaRoster(podId(publisher));
      const decode = reply(chatRosterReply);
      return await nats.request(subject, { room }, { decode, timeoutMs: syncTimeoutMs });
    } catch {
      return this.#localRoster(room);
    }
  }

  #localRoster(room: RoomId): ChatRosterReply {
    const { feed, self } = this.#parts;
    return { roster: feed.roster(room), publisher: self, n: feed.numberOf(room) };
  }

  #hear<T>(subject: string, decode: Decoder<T>, handler: (value: T) => void): void {
    const onMessage = (message: BusMessage) => {
      let value: T;
      try {
        value = decode(message.json());
      } catch {
        this.#parts.metrics.unreadable.add(1);
        return;
      }
      handler(value);
    };
    this.#subscriptions.push(this.#parts.nats.subscribe(subject, {}, onMessage));
  }

  #askEdges(): void {
    for (const edge of this.#parts.presence.takeSyncs()) void this.#askEdge(edge);
  }

  async #askEdge(edge: string): Promise<void> {
    const { nats, subjects, presence, clock, metrics, log, syncTimeoutMs } = this.#parts;
    try {
      const options = { decode: reply(edgeSyncReply), timeoutMs: syncTimeoutMs };
      presence.synced(
        edge,
        await nats.request(subjects.edgeSync(edgeId(edge)), {}, options),
        clock.monotonicMs(),
      );
      metrics.syncs.add(1, { outcome: 'ok' });
    } catch (cause) {
      presence.syncFailed(edge);
      metrics.syncs.add(1, { outcome: 'failed' });
      log.warn({ edge, err: cause }, 'an edge did not name its members');
    }
  }

  #beat(): void {
    const { clock, presence, replicas, feed } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#say({ warm: replicas.isWarm(nowMs), gone: false });
    if (replicas.tick(nowMs)) presence.forgive(nowMs);
    this.#publish(feed.repeats((room) => this.#isMine(room), nowMs));
  }

  #flush(): void {
    const { clock, presence, replicas, feed, onDeparture } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (!replicas.isLinked(nowMs)) return;
    presence.tick(nowMs);
    this.#publish(feed.changes((room) => this.#isMine(room), nowMs));
    for (const departure of presence.takeDepartures()) {
      if (this.#isMine(departure.user)) onDeparture(departure);
    }
  }

  #isMine(id: string): boolean {
    return this.#parts.replicas.responsible(id) === this.#parts.self;
  }

  #say(state: { warm: boolean; gone: boolean }): void {
    const { nats, subjects, self } = this.#parts;
    nats.publish(subjects.chatHeartbeat(), { replica: self, ...state });
  }

  #publish(publications: readonly Publication[]): void {
    const { nats, subjects, metrics } = this.#parts;
    for (const { room, message } of publications) {
      nats.publish(subjects.roomPresence(roomId(room)), message);
      metrics.presencePublished.add(1);
    }
  }
}
