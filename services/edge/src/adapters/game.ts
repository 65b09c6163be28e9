import {
  type ClaimRecord,
  type GameId,
  type GameRecord,
  gameStreamName,
  type StateReply,
} from '@breakwater/bus';
import type { StoredMessage } from '@breakwater/service-kit';
import { Recent } from '../domain/recent.ts';
import { SilenceWatch } from '../domain/silence-watch.ts';
import type { Frame } from '../fanout/frame.ts';
import type { EdgeDeps } from './deps.ts';
import { type FeedListener, GameFeed, type Place, positionOf } from './game-feed.ts';
import type { GameMember } from './game-member.ts';
import { endedFrame, type GameNews, newsOf, ownerFrame, schemaFrame, stateFrame } from './game-records.ts';
import { GameSyncs } from './game-syncs.ts';
import type { CheckedFeed } from './tail-checks.ts';

const LONGEST_SILENCE_PAUSE_MS = 10_000;

export interface GameListener {
  /** Another process owns the game now. */
  onOwner(game: Game): void;
  onEnded(game: Game): void;
}

/** A game that has players or spectators on this edge: its feed, its members, and full state for who needs it. */
export class Game implements CheckedFeed, FeedListener {
  readonly id: GameId;
  /** This process's number for the game, in binary frames. */
  readonly handle: number;
  readonly stream: string;
  readonly logSubject: string;
  readonly members = new Set<GameMember>();
  readonly feed: GameFeed;
  readonly recent: Recent<GameNews>;
  /** Told of every record. */
  readonly silence: SilenceWatch;
  readonly #deps: EdgeDeps;
  readonly #listener: GameListener;
  readonly #syncs: GameSyncs;
  readonly #stateSkipped: { add(n: number): void };
  /** How many members here sit on each seat. */
  readonly #seats = new Map<number, number>();
  #epoch = 0;
  /** Of the newest owner that members were told of; of a volatile game. */
  #toldEpoch = 0;
  /** The schema that was sent last: members share the text. */
  #schema = '';
  #isClosed = false;

  constructor(deps: EdgeDeps, id: GameId, handle: number, listener: GameListener) {
    const { subjects, config, metrics } = deps;
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
    this.feed = new GameFeed(deps, id, this);
    this.#syncs = new GameSyncs(deps, {
      game: id,
      waiting: () => [...this.members].filter((member) => this.isOpen && member.phase === 'syncing'),
      serve: (waiting, reply) => this.#serve(waiting, reply),
    });
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

  /** The follower of its log. */
  get follower(): { readonly state: string } {
    return this.feed.log;
  }

  close(): void {
    this.#isClosed = true;
    this.feed.close();
  }

  onGap(): void {
    this.feed.onGap();
  }

  onTail(tail: StoredMessage | undefined): void {
    this.feed.onTail(tail);
  }

  /** It has failed, by the word of the matchmaker: its log may hold no `end` that would tell. */
  fail(): void {
    this.#tellMembers(endedFrame(this.id, 'failed'));
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
    if (member.hasSeat) this.#countSeat(member.pid, -1);
  }

  get isVolatile(): boolean {
    return this.feed.isVolatile;
  }

  /** The answer of an owner that lost the game since: the seat that it gave is not to be had. Of a volatile game. */
  isOutdated({ epoch }: StateReply): boolean {
    return this.isVolatile && epoch < this.#epoch;
  }

  /** The owner took the member in. A join counts once: if its state is too old to use, another one is asked for. */
  enter(member: GameMember, reply: StateReply, joined: Frame): void {
    this.#hear(reply);
    if (!this.#show(member, reply, joined)) this.#showLater(member, reply, joined);
  }

  /**
   * Gives a waiting member full state and what came after it.
   * @param before a frame that has to come first: the answer to its join
   * @returns false when the state is too old to go on from
   */
  #show(member: GameMember, reply: StateReply, before?: Frame): boolean {
    const isFollowed = this.feed.accepts(reply, before === undefined);
    if (!isFollowed || !this.#isUsable(member, reply)) return false;
    this.feed.start(reply);
    // What had waited for the start may have told of another owner.
    if (this.isOutdated(reply)) return false;
    const seq = positionOf(reply);
    const missed = this.recent.after(seq);
    if (missed === undefined || missed.some(({ isWhole }) => isWhole)) return false;
    this.#epoch = Math.max(this.#epoch, reply.epoch);
    this.silence.heard(this.#deps.clock.monotonicMs());
    this.#sitDown(member, reply.pid);
    const { outbox } = this.#deps.delivery;
    if (before !== undefined) outbox.enqueue(member.connection, before);
    this.#tellSchema(member, reply.schema, before !== undefined);
    outbox.enqueue(member.connection, stateFrame(this.handle, reply, seq, member.pid));
    member.phase = 'live';
    member.shownEpoch = reply.epoch;
    member.shownSeq = seq;
    this.#releaseRecords(member);
    for (const news of missed) this.#deliver(member, news);
    return true;
  }

  #showLater(member: GameMember, reply: StateReply, before: Frame): void {
    const { pid, schema } = reply;
    this.#sitDown(member, pid);
    this.#tellSchema(member, schema, true);
    this.#deps.delivery.reliable(member.connection, before);
    if (pid !== 0 && this.isOutdated(reply)) this.#unseat(member);
    else this.#resync(member);
  }

  /** The game may have got another one since the member's last state; `isTold`: a frame before says so already. */
  #tellSchema(member: GameMember, schema: string, isTold: boolean): void {
    if (schema === '' || schema === member.schema) return;
    if (schema !== this.#schema) this.#schema = schema;
    member.schema = this.#schema;
    if (isTold) return;
    this.#deps.delivery.outbox.enqueue(member.connection, schemaFrame(this.id, this.handle, schema));
  }

  #isUsable(member: GameMember, reply: StateReply): boolean {
    if (reply.epoch < this.#epoch || reply.epoch < member.shownEpoch) return false;
    // A new owner's state is newer at any place: a log that was put back from a backup has fallen back.
    return reply.epoch > member.shownEpoch || positionOf(reply) >= member.shownSeq;
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
    this.recent.attach(this.feed.position);
  }

  #releaseRecords(member: GameMember): void {
    if (!member.isAttached) return;
    member.isAttached = false;
    this.recent.detach();
  }

  onHeard(): void {
    this.silence.heard(this.#deps.clock.monotonicMs());
  }

  onPosition(seq: number | undefined): void {
    this.recent.restart(seq);
  }

  onRecord(record: GameRecord, { seq, prev }: Place): void {
    // Appends are compared, so epochs never fall along the log; a joiner's answer may be ahead of the feed.
    this.#epoch = Math.max(this.#epoch, record.epoch);
    // Who is joining may have a seat that is not known here yet.
    const isWanted = (pid: number) => this.recent.isNeeded || this.#seats.has(pid);
    const news = newsOf(record, { game: this.id, handle: this.handle, seq, prev }, isWanted);
    this.recent.add(news);
    if (news.isWhole) this.onLost();
    for (const member of this.members) {
      if (member.phase === 'live' && seq > member.shownSeq) this.#deliver(member, news);
      else if (isForWaiting(member, news)) this.#deliver(member, news);
    }
    if (news.kind === 'claim') this.#listener.onOwner(this);
    if (news.kind === 'end') this.#listener.onEnded(this);
  }

  onClaim({ epoch, pod }: ClaimRecord): void {
    this.#tellOwner(epoch, pod);
    this.onNewOwner(epoch);
  }

  /**
   * What the new owner of a volatile game goes on from may be older than what was shown: seats that were taken since
   * then do not exist, and may be somebody else's by now. So its players have to join again.
   */
  onNewOwner(epoch: number): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.feed.rise(epoch);
    this.#listener.onOwner(this);
    for (const member of this.members) if (member.pid !== 0) this.#unseat(member);
    this.onLost();
  }

  #hear({ epoch, pod, liveN }: StateReply): void {
    if (liveN === undefined) return;
    this.#tellOwner(epoch, pod);
    this.onNewOwner(epoch);
  }

  #tellOwner(epoch: number, pod: string): void {
    if (epoch <= this.#toldEpoch || epoch < this.#epoch) return;
    this.#toldEpoch = epoch;
    this.#tellMembers(ownerFrame(this.id, epoch, pod));
  }

  #unseat(member: GameMember): void {
    if (member.phase === 'unseated') return;
    member.phase = 'unseated';
    this.#countSeat(member.pid, -1);
    this.#releaseRecords(member);
    this.#deps.metrics.unseated.add(1);
    this.#deps.delivery.error(member.connection, 'not_joined', { game: this.id });
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

  #tellMembers(frame: Frame): void {
    for (const member of this.members)
      if (member.phase !== 'joining') this.#deps.delivery.outbox.enqueue(member.connection, frame);
  }

  #resync(member: GameMember): void {
    if (!this.members.has(member) || member.phase === 'unseated') return;
    member.phase = 'syncing';
    this.#keepRecords(member);
    this.#syncs.begin();
  }

  onLost(): void {
    for (const member of this.members) {
      if (member.phase === 'live' || member.phase === 'syncing') this.#resync(member);
    }
  }

  /** A game's answer to all who waited for it. @returns whether somebody cannot go on from it */
  #serve(waiting: readonly GameMember[], reply: StateReply): boolean {
    this.#hear(reply);
    return waiting.filter((member) => member.phase === 'syncing' && !this.#show(member, reply)).length > 0;
  }
}

/** Who skips deltas is still told of owners; who waits for full state finds them among what follows it. */
function isForWaiting({ phase }: GameMember, { kind }: GameNews): boolean {
  if (kind === 'end') return phase !== 'joining' && phase !== 'live';
  return kind === 'claim' && phase === 'skipping';
}
