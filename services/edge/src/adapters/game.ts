import { type GameId, gameStreamName, type StateReply } from '@breakwater/bus';
import type { BusMessage, BusSubscription, StoredMessage } from '@breakwater/service-kit';
import { type FeedEntry, FeedFollower, type ResetReason } from '../domain/feed-follower.ts';
import { Recent } from '../domain/recent.ts';
import { SilenceWatch } from '../domain/silence-watch.ts';
import type { Frame } from '../fanout/frame.ts';
import type { EdgeDeps } from './deps.ts';
import type { GameMember } from './game-member.ts';
import {
  decodeFeedMessage,
  decodeState,
  decodeStored,
  endedFrame,
  type FollowedRecord,
  type GameNews,
  newsOf,
  schemaFrame,
  stateFrame,
} from './game-records.ts';
import { pause, readLog, untilItWorks } from './log-reader.ts';
import type { CheckedFeed } from './tail-checks.ts';

const SYNC_PAUSE_MS = 100;
const LONGEST_SILENCE_PAUSE_MS = 10_000;

export interface GameListener {
  /** Another process owns the game now. */
  onOwner(game: Game): void;
  onEnded(game: Game): void;
}

/** A game that has players or spectators on this edge: its feed, its members, and full state for who needs it. */
export class Game implements CheckedFeed {
  readonly id: GameId;
  /** This process's number for the game, in binary frames. */
  readonly handle: number;
  readonly stream: string;
  readonly logSubject: string;
  readonly members = new Set<GameMember>();
  readonly follower: FeedFollower<FollowedRecord>;
  readonly recent: Recent<GameNews>;
  /** Told of every record. */
  readonly silence: SilenceWatch;
  readonly #deps: EdgeDeps;
  readonly #listener: GameListener;
  readonly #subscription: BusSubscription;
  readonly #stateSkipped: { add(n: number): void };
  /** How many members here sit on each seat. */
  readonly #seats = new Map<number, number>();
  #epoch = 0;
  /** The schema that was sent last: members share the text. */
  #schema = '';
  #isClosed = false;
  #isSyncing = false;

  constructor(deps: EdgeDeps, id: GameId, handle: number, listener: GameListener) {
    const { nats, subjects, config, metrics } = deps;
    this.#deps = deps;
    this.#listener = listener;
    this.id = id;
    this.handle = handle;
    this.stream = gameStreamName(id, config.partitions);
    this.logSubject = subjects.gameLog(id);
    this.#stateSkipped = metrics.dropped.with({ class: 'state' });
    this.recent = new Recent(config.maxJoinBuffer);
    const rule = { silenceMs: config.gameSilenceMs, longestPauseMs: LONGEST_SILENCE_PAUSE_MS };
    this.silence = new SilenceWatch(rule, Math.random, deps.clock.monotonicMs());
    this.follower = new FeedFollower(
      {
        forward: (entry, prev) => this.#forward(entry, prev),
        read: (request, fromSeq) => void this.#read(request, fromSeq),
        reset: (reason) => this.#reset(reason),
        repaired: (records) => metrics.repairedRecords.add(records, { kind: 'game' }),
      },
      { maxQueued: config.maxFeedQueue, maxRepairRecords: config.maxRepairRecords, maxKnownStamps: 128 },
    );
    this.#subscription = nats.subscribe(subjects.gameFeed(id), {}, (message) => this.#onFeed(message));
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** The highest epoch heard of. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Somebody here has a seat. */
  get hasPlayers(): boolean {
    return this.#seats.size > 0;
  }

  close(): void {
    this.#isClosed = true;
    this.follower.close();
    this.#subscription.unsubscribe();
  }

  onTail(tail: StoredMessage | undefined): void {
    if (tail !== undefined) this.follower.onTail(decodeStored(tail));
  }

  /** It has failed, by the word of the matchmaker: its log may hold no `end` that would tell. */
  fail(): void {
    const frame = endedFrame(this.id, 'failed');
    for (const member of this.members)
      if (member.phase !== 'joining') this.#deps.delivery.outbox.enqueue(member.connection, frame);
    this.#listener.onEnded(this);
  }

  /** Before the owner is asked: what is forwarded from now on is kept for this member. */
  attach(member: GameMember): void {
    this.members.add(member);
    this.#keepRecords(member);
  }

  remove(member: GameMember): void {
    if (!this.members.delete(member)) return;
    this.#releaseRecords(member);
    if (member.pid !== 0) this.#countSeat(member.pid, -1);
  }

  /**
   * Gives a waiting member full state and what came after it.
   * @param before a frame that has to come first
   * @returns false when the state is too old to go on from
   */
  show(member: GameMember, reply: StateReply, before?: Frame): boolean {
    if (!this.#isUsable(member, reply)) return false;
    if (this.follower.state === 'waiting' || this.follower.state === 'resetting') this.#startAt(reply.seq);
    const missed = this.recent.after(reply.seq);
    if (missed === undefined || missed.some(({ isWhole }) => isWhole)) return false;
    this.#epoch = Math.max(this.#epoch, reply.epoch);
    this.silence.heard(this.#deps.clock.monotonicMs());
    this.#sitDown(member, reply.pid);
    const { outbox } = this.#deps.delivery;
    if (before !== undefined) outbox.enqueue(member.connection, before);
    this.#tellSchema(member, reply.schema, before !== undefined);
    outbox.enqueue(member.connection, stateFrame(this.handle, reply, member.pid));
    member.phase = 'live';
    member.shownEpoch = reply.epoch;
    member.shownSeq = reply.seq;
    this.#releaseRecords(member);
    for (const news of missed) this.#deliver(member, news);
    return true;
  }

  /** The owner took the member in, but its state cannot be gone on from: another one follows. */
  showLater(member: GameMember, { pid, schema }: StateReply, before: Frame): void {
    this.#sitDown(member, pid);
    this.#tellSchema(member, schema, true);
    this.#deps.delivery.reliable(member.connection, before);
    this.#resync(member);
  }

  /** The game may have got another one since the member's last state; `isTold`: a frame before says so already. */
  #tellSchema(member: GameMember, schema: string, isTold: boolean): void {
    if (schema === '' || schema === member.schema) return;
    if (schema !== this.#schema) this.#schema = schema;
    member.schema = this.#schema;
    if (isTold) return;
    this.#deps.delivery.outbox.enqueue(member.connection, schemaFrame(this.id, this.handle, schema));
  }

  #isUsable(member: GameMember, { epoch, seq }: StateReply): boolean {
    if (epoch < this.#epoch || epoch < member.shownEpoch) return false;
    return seq >= member.shownSeq;
  }

  /** A sync's answer names no seat; the member has the one of its join. */
  #sitDown(member: GameMember, pid: number): void {
    if (member.pid !== 0 || pid === 0) return;
    member.pid = pid;
    this.#countSeat(pid, 1);
  }

  #countSeat(pid: number, change: 1 | -1): void {
    const next = (this.#seats.get(pid) ?? 0) + change;
    if (next === 0) this.#seats.delete(pid);
    else this.#seats.set(pid, next);
  }

  #keepRecords(member: GameMember): void {
    if (member.isAttached) return;
    member.isAttached = true;
    const { state, position } = this.follower;
    this.recent.attach(state === 'following' || state === 'reading' ? position.seq : undefined);
  }

  #releaseRecords(member: GameMember): void {
    if (!member.isAttached) return;
    member.isAttached = false;
    this.recent.detach();
  }

  #startAt(seq: number): void {
    this.recent.restart(seq);
    this.follower.start({ seq, stamp: undefined });
  }

  #onFeed(message: BusMessage): void {
    const record = decodeFeedMessage(message);
    if (record === undefined) {
      this.#deps.metrics.badRecords.add(1);
      return;
    }
    const { tracer, clock } = this.#deps;
    this.silence.heard(clock.monotonicMs());
    const trace = tracer.enabled ? message.trace : undefined;
    if (trace === undefined) this.follower.onRecord(record);
    else tracer.withSpan('edge deliver game record', trace, () => this.follower.onRecord(record));
  }

  #forward({ seq, record }: FeedEntry<FollowedRecord>, prev: number): void {
    if (record.kind === 'unreadable') {
      this.#deps.metrics.badRecords.add(1);
      this.#resyncAll();
      return;
    }
    // Appends are compared, so epochs never fall along the log; a joiner's answer may be ahead of the feed.
    this.#epoch = Math.max(this.#epoch, record.epoch);
    // Who is joining may have a seat that is not known here yet.
    const isWanted = (pid: number) => this.recent.isNeeded || this.#seats.has(pid);
    const news = newsOf(record, { game: this.id, handle: this.handle, seq, prev }, isWanted);
    this.recent.add(news);
    if (news.isWhole) this.#resyncAll();
    for (const member of this.members) {
      if (member.phase === 'live' && seq > member.shownSeq) this.#deliver(member, news);
      else if (isForWaiting(member, news)) this.#deliver(member, news);
    }
    if (news.kind === 'claim') this.#listener.onOwner(this);
    if (news.kind === 'end') this.#listener.onEnded(this);
  }

  #deliver(member: GameMember, news: GameNews): void {
    const { connection } = member;
    const { outbox } = this.#deps.delivery;
    if (news.kind !== 'delta') {
      outbox.enqueue(connection, news.frame);
      return;
    }
    if (connection.isSlow) {
      this.#skip(member);
      return;
    }
    const slice = member.pid === 0 ? undefined : news.slices?.get(member.pid);
    if (slice !== undefined) outbox.enqueue(connection, slice);
    outbox.enqueue(connection, news.frame);
    member.shownEpoch = news.epoch;
    member.shownSeq = news.seq;
  }

  /** A slow client misses deltas from here on, and gets full state when it has read what waits. */
  #skip(member: GameMember): void {
    this.#stateSkipped.add(1);
    if (member.phase !== 'live') return;
    member.phase = 'skipping';
    this.#deps.delivery.whenRead(member.connection, `game ${this.id}`, () => this.#resync(member));
  }

  #resync(member: GameMember): void {
    if (!this.members.has(member)) return;
    member.phase = 'syncing';
    this.#keepRecords(member);
    void this.#sync();
  }

  #resyncAll(): void {
    for (const member of this.members) {
      if (member.phase === 'live' || member.phase === 'syncing') this.#resync(member);
    }
  }

  async #read(request: number, fromSeq: number): Promise<void> {
    const { stream, logSubject } = this;
    const options = { stream, logSubject, decode: decodeStored, isOpen: () => this.isOpen };
    const stretch = await readLog(this.#deps, options, fromSeq);
    if (stretch !== undefined) this.follower.onRead(request, stretch);
  }

  #reset(reason: ResetReason): void {
    const { metrics, log } = this.#deps;
    metrics.resets.add(1, { kind: 'game', reason });
    log.warn({ game: this.id, reason }, 'a game is sent anew');
    this.recent.restart(undefined);
    this.#resyncAll();
  }

  /** One request at a time for everybody who waits; who comes meanwhile is part of the next one. */
  async #sync(): Promise<void> {
    if (this.#isSyncing) return;
    this.#isSyncing = true;
    try {
      for (let waiting = this.#syncing(); this.isOpen && waiting.length > 0; waiting = this.#syncing()) {
        const reply = await untilItWorks(
          this.#deps,
          () => this.isOpen && this.#syncing().length > 0,
          () => this.#askState(waiting),
        );
        if (reply === undefined) return;
        const unserved = waiting.filter((member) => member.phase === 'syncing' && !this.show(member, reply));
        if (unserved.length > 0) await pause(this.#deps, SYNC_PAUSE_MS);
      }
    } catch (cause) {
      this.#deps.log.error({ game: this.id, err: cause }, 'full state could not be handed on');
    } finally {
      this.#isSyncing = false;
    }
  }

  #syncing(): GameMember[] {
    return [...this.members].filter((member) => member.phase === 'syncing');
  }

  async #askState(waiting: readonly GameMember[]): Promise<StateReply> {
    const { nats, subjects, config, edge, metrics } = this.#deps;
    const pids = [...new Set(waiting.map((member) => member.pid))].filter((pid) => pid !== 0);
    metrics.syncs.add(1);
    return nats.request(
      subjects.gameIn(this.id),
      { kind: 'sync', edge, pids },
      { decodeBytes: decodeState, timeoutMs: config.backendTimeoutMs },
    );
  }
}

/** Who skips deltas is still told of owners; who waits for full state finds them among what follows it. */
function isForWaiting({ phase }: GameMember, { kind }: GameNews): boolean {
  if (kind === 'end') return phase !== 'joining' && phase !== 'live';
  return kind === 'claim' && phase === 'skipping';
}
