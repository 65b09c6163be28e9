import {
  type ChatJoined,
  chatJoined,
  chatRosterReply,
  type RoomId,
  type RoomPresence,
  type RoomRecord,
  type RoomSignal,
  reply,
  roomPresence,
  roomSignal,
  roomStreamName,
} from '@breakwater/bus';
import type { BusMessage, BusSubscription, StoredMessage } from '@breakwater/service-kit';
import { type FeedEntry, FeedFollower, type ResetReason } from '../domain/feed-follower.ts';
import { Recent } from '../domain/recent.ts';
import { type Frame, textFrame } from '../fanout/frame.ts';
import type { Connection } from './connection.ts';
import type { EdgeDeps } from './deps.ts';
import { readLog, untilItWorks } from './log-reader.ts';
import type { RoomMember } from './room-member.ts';
import { decodeFeedMessage, decodeStored, messageFrame } from './room-records.ts';
import type { CheckedFeed } from './tail-checks.ts';

const MAX_HELD_FRAMES = 64;

interface RecentMessage {
  readonly seq: number;
  readonly frame: Frame;
}

/** A room that has members on this edge: its subscriptions, its position in the log, its members. */
export class Room implements CheckedFeed {
  readonly id: RoomId;
  readonly stream: string;
  readonly logSubject: string;
  readonly members = new Set<RoomMember>();
  readonly follower: FeedFollower<RoomRecord>;
  readonly recent: Recent<RecentMessage>;
  readonly #deps: EdgeDeps;
  readonly #subscriptions: readonly BusSubscription[];
  /** Incarnation of the stream that the position belongs to. */
  #epoch: string | undefined;
  #isClosed = false;
  #publisher: { readonly name: string; readonly n: number } | undefined;
  #isRosterAsked = false;

  constructor(deps: EdgeDeps, id: RoomId) {
    const { nats, subjects, config } = deps;
    this.#deps = deps;
    this.id = id;
    this.stream = roomStreamName(id, config.partitions);
    this.logSubject = subjects.roomLog(id);
    this.recent = new Recent(config.maxJoinBuffer);
    this.follower = new FeedFollower(
      {
        forward: (entry, prev) => this.#forward(entry, prev),
        read: (request, fromSeq) => void this.#read(request, fromSeq),
        reset: (reason) => void this.#reset(reason),
        repaired: (records) => deps.metrics.repairedRecords.add(records, { kind: 'room' }),
      },
      { maxQueued: config.maxFeedQueue, maxRepairRecords: config.maxRepairRecords, maxKnownStamps: 128 },
    );
    this.#subscriptions = [
      nats.subscribe(subjects.roomFeed(id), {}, (message) => this.#onFeed(message)),
      nats.subscribe(subjects.roomPresence(id), {}, (message) => this.#onPresence(message)),
      nats.subscribe(subjects.roomSignal(id), {}, (message) => this.#onSignal(message)),
    ];
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.follower.close();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  onTail(tail: StoredMessage | undefined): void {
    if (tail !== undefined) this.follower.onTail(decodeStored(tail));
  }

  /**
   * Takes in what chat said to a joining member.
   * @returns what the member still lacks, or undefined when the answer is too old to go on from
   */
  accept(member: RoomMember, joined: ChatJoined): readonly RecentMessage[] | undefined {
    const { at } = joined;
    if (this.follower.state === 'waiting') {
      this.#epoch = at.epoch;
      this.#startAt(at);
    } else if (at.epoch !== this.#epoch) {
      this.follower.onForeignLog();
    }
    // During a reset every live member is sent the whole anyway, and what was forwarded is of another log.
    const missed = this.follower.state === 'resetting' ? [] : this.recent.after(at.seq);
    if (missed !== undefined) member.fromSeq = Math.max(at.seq, missed.at(-1)?.seq ?? 0);
    return missed;
  }

  /** NATS was away: changes of the roster may have been missed. */
  refreshRoster(only?: Connection): void {
    if (only === undefined && this.#isRosterAsked) return;
    if (only === undefined) this.#isRosterAsked = true;
    void this.#askRoster(only);
  }

  #startAt({ seq, stamp }: { readonly seq: number; readonly stamp: string }): void {
    this.recent.restart(seq);
    this.follower.start({ seq, stamp });
  }

  #onFeed(message: BusMessage): void {
    const news = decodeFeedMessage(message);
    if (news.kind === 'record') {
      if (this.#deps.tracer.enabled) this.#traced(message, () => this.follower.onRecord(news.record));
      else this.follower.onRecord(news.record);
    } else if (news.kind === 'notice') this.follower.onNotice(news.seq);
    else this.#deps.metrics.badRecords.add(1);
  }

  #traced(message: BusMessage, deliver: () => void): void {
    if (message.trace === undefined) deliver();
    else this.#deps.tracer.withSpan('edge deliver room.message', message.trace, deliver);
  }

  #forward(entry: FeedEntry<RoomRecord>, prev: number): void {
    const frame = messageFrame(this.id, entry, prev);
    if (frame === undefined) return;
    if (this.recent.isNeeded) this.recent.add({ seq: entry.seq, frame });
    const { outbox } = this.#deps.delivery;
    for (const member of this.members) {
      if (member.isLive && entry.seq > member.fromSeq) outbox.enqueue(member.connection, frame);
    }
  }

  async #read(request: number, fromSeq: number): Promise<void> {
    const { stream, logSubject } = this;
    const options = { stream, logSubject, decode: decodeStored, isOpen: () => this.isOpen };
    const stretch = await readLog(this.#deps, options, fromSeq);
    if (stretch !== undefined) this.follower.onRead(request, stretch);
  }

  /** What was missed is gone: the latest page, asked for in the name of a member, replaces everything. */
  async #reset(reason: ResetReason): Promise<void> {
    const { metrics, log } = this.#deps;
    metrics.resets.add(1, { kind: 'room', reason });
    log.warn({ room: this.id, reason }, 'a room is sent anew');
    const joined = await untilItWorks(
      this.#deps,
      () => this.isOpen,
      () => this.#askPage(),
    );
    if (joined === undefined) return;
    const { at, messages, more } = joined;
    this.#epoch = at.epoch;
    const frame = textFrame(JSON.stringify({ t: 'room.reset', room: this.id, at, messages, more }));
    for (const member of this.members) {
      if (!member.isLive) continue;
      member.fromSeq = at.seq;
      this.#deps.delivery.reliable(member.connection, frame);
    }
    this.#startAt(at);
  }

  #askPage(): Promise<ChatJoined> {
    const { nats, subjects, config } = this.#deps;
    const [member] = this.members;
    if (member === undefined) throw new Error('nobody is in the room to ask for');
    const { user, name } = member.connection;
    const request = { user, name, room: this.id, limit: config.joinPageMessages };
    return nats.request(subjects.chat('join'), request, {
      decode: reply(chatJoined),
      timeoutMs: config.backendTimeoutMs,
    });
  }

  #onPresence(message: BusMessage): void {
    let news: RoomPresence;
    try {
      news = roomPresence(message.json());
    } catch {
      this.#deps.metrics.badRecords.add(1);
      return;
    }
    const known = this.#publisher;
    const isLate = known?.name === news.publisher && news.n <= known.n;
    if (isLate) return;
    const isNext = known === undefined || (known.name === news.publisher && news.n === known.n + 1);
    this.#publisher = { name: news.publisher, n: news.n };
    if (!isNext && news.roster === undefined) {
      this.refreshRoster();
      return;
    }
    const { count, joined, left, roster } = news;
    const changes = roster === undefined ? { joined, left } : { roster };
    this.#sendPeople(textFrame(JSON.stringify({ t: 'room.people', room: this.id, count, ...changes })));
  }

  #sendPeople(frame: Frame): void {
    const { delivery } = this.#deps;
    for (const member of this.members) {
      const { connection } = member;
      if (!member.isLive) this.#hold(member, frame);
      else delivery.latest(connection, `people ${this.id}`, frame, () => this.refreshRoster(connection));
    }
  }

  #hold(member: RoomMember, frame: Frame): void {
    if (member.held.length < MAX_HELD_FRAMES) member.held.push(frame);
    else member.heldLost = true;
  }

  async #askRoster(only: Connection | undefined): Promise<void> {
    const { nats, subjects, config } = this.#deps;
    const options = { decode: reply(chatRosterReply), timeoutMs: config.backendTimeoutMs };
    const isWanted = () => this.isOpen && this.members.size > 0 && only?.isGone !== true;
    const answer = await untilItWorks(this.#deps, isWanted, () =>
      nats.request(subjects.chat('roster'), { room: this.id }, options),
    );
    if (only === undefined) this.#isRosterAsked = false;
    if (answer === undefined) return;
    const { roster, publisher, n } = answer;
    const frame = textFrame(JSON.stringify({ t: 'room.people', room: this.id, count: roster.count, roster }));
    if (only === undefined) {
      this.#publisher = { name: publisher, n };
      this.#sendPeople(frame);
    } else if (only.rooms?.has(this.id)) {
      this.#deps.delivery.latest(only, `people ${this.id}`, frame, () => this.refreshRoster(only));
    }
  }

  #onSignal(message: BusMessage): void {
    let signal: RoomSignal;
    try {
      signal = roomSignal(message.json());
    } catch {
      this.#deps.metrics.badRecords.add(1);
      return;
    }
    const { user, name, on } = signal;
    const frame = textFrame(JSON.stringify({ t: 'room.typing', room: this.id, user, name, on }));
    for (const { connection, isLive } of this.members) {
      if (isLive && connection.user !== user) this.#deps.delivery.ephemeral(connection, frame);
    }
  }
}
