import {
  type ClaimRecord,
  type DeltaRecord,
  type GameId,
  type GameRecord,
  gameStreamName,
  hasLivePosition,
  livePosition,
  type StateReply,
} from '@breakwater/bus';
import type { BusMessage, BusSubscription, StoredMessage } from '@breakwater/service-kit';
import { type FeedEntry, FeedFollower } from '../domain/feed-follower.ts';
import { LiveFollower } from '../domain/live-follower.ts';
import type { EdgeDeps } from './deps.ts';
import { decodeFeedMessage, decodeLive, decodeStored, type FollowedRecord } from './game-records.ts';
import { readLog } from './log-reader.ts';

/** Where a record stands among what the members of a game are shown, and the position before it. */
export interface Place {
  readonly seq: number;
  readonly prev: number;
}

export interface FeedListener {
  /** What members are shown is followed from here on; undefined: not until a full state says from where. */
  onPosition(seq: number | undefined): void;
  /** The next record, in order and without a hole. Of a volatile game only deltas and the end. */
  onRecord(record: GameRecord, place: Place): void;
  /** A volatile game: somebody owns it. */
  onClaim(claim: ClaimRecord): void;
  /** A volatile game: an owner of this epoch speaks, whose claim was not heard yet. */
  onNewOwner(epoch: number): void;
  /** Something is missing: everybody needs full state. */
  onLost(): void;
  /** Something of this game was heard. */
  onHeard(): void;
}

/** Behind every delta of a volatile game, whatever its position. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER;

/**
 * Where the records of a game come from. The log's feed tells all of a committed game. Of a volatile one it tells who
 * owns it and that it ended; the deltas come on `.live`, which is listened to once the owner's first answer says so.
 */
export class GameFeed {
  /** Follows the log. */
  readonly log: FeedFollower<FollowedRecord>;
  readonly #deps: EdgeDeps;
  readonly #game: GameId;
  readonly #listener: FeedListener;
  readonly #subscriptions: BusSubscription[] = [];
  #live: LiveFollower<DeltaRecord> | undefined;
  /** A state was asked for after `.live` was listened to. */
  #isLiveStarted = false;
  /** Deltas may have been missed that none follows. */
  #isDoubtful = false;

  constructor(deps: EdgeDeps, game: GameId, listener: FeedListener) {
    const { nats, subjects, config, metrics } = deps;
    this.#deps = deps;
    this.#game = game;
    this.#listener = listener;
    this.log = new FeedFollower(
      {
        forward: (entry, prev) => this.#onLogged(entry, prev),
        read: (request, fromSeq) => void this.#read(request, fromSeq),
        reset: (reason) => this.#reset(reason),
        repaired: (records) => metrics.repairedRecords.add(records, { kind: 'game' }),
      },
      { maxQueued: config.maxFeedQueue, maxRepairRecords: config.maxRepairRecords, maxKnownStamps: 128 },
    );
    this.#subscriptions.push(nats.subscribe(subjects.gameFeed(game), {}, (message) => this.#onFeed(message)));
  }

  get isVolatile(): boolean {
    return this.#live !== undefined;
  }

  /** Position of what was told last; undefined while full state is awaited. */
  get position(): number | undefined {
    const { state, position } = this.log;
    if (this.#live === undefined)
      return state === 'following' || state === 'reading' ? position.seq : undefined;
    const { epoch, n } = this.#live.position;
    return this.#live.state === 'following' ? livePosition(epoch, n) : undefined;
  }

  close(): void {
    this.log.close();
    this.#live?.close();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /**
   * Whether what follows a state has been listened to since before the state was asked for. The first answer of a
   * volatile game never is one: its deltas are listened to from then on, and full state has to be asked for again.
   */
  accepts({ epoch, liveN }: StateReply, isSync: boolean): boolean {
    if (liveN === undefined) return true;
    if (this.#live !== undefined) return isSync || this.#isLiveStarted;
    this.#listenLive(epoch);
    return false;
  }

  /** Goes on from a state, if one is awaited. */
  start(reply: StateReply): void {
    const { epoch, seq, liveN } = reply;
    const needsLog = this.log.state === 'waiting' || this.log.state === 'resetting';
    const needsLive = this.#live?.state === 'waiting' && liveN !== undefined;
    // What waited is told as soon as either goes on.
    if (needsLive || (needsLog && !this.isVolatile)) this.#listener.onPosition(positionOf(reply));
    if (needsLog) this.log.start({ seq, stamp: undefined });
    if (!needsLive) return;
    this.#isLiveStarted = true;
    // It was asked for after whatever was missed: nothing was heard, nor answered, before the connection was back.
    this.#isDoubtful = false;
    this.#live?.start(epoch, liveN);
  }

  /** Another owner: what the ones before said leads nowhere. */
  rise(epoch: number): void {
    this.#live?.rise(epoch);
    this.#listener.onPosition(this.position);
  }

  /** Messages were missed. Of the log the tail tells; of deltas that nobody stored only full state does. */
  onGap(): void {
    this.#isDoubtful = true;
  }

  onTail(tail: StoredMessage | undefined): void {
    if (tail !== undefined) this.log.onTail(decodeStored(tail));
    const isDoubtful = this.#isDoubtful && this.isVolatile;
    this.#isDoubtful = false;
    if (!isDoubtful) return;
    // What comes before the state does would seem to follow a hole, and be cause for another one.
    this.#live?.doubt();
    this.#listener.onPosition(this.position);
    this.#listener.onLost();
  }

  #listenLive(epoch: number): void {
    const { nats, subjects, config, metrics } = this.#deps;
    const live = new LiveFollower<DeltaRecord>(
      {
        forward: ({ epoch, n, record }) => {
          const place = { seq: livePosition(epoch, n), prev: livePosition(epoch, n - 1) };
          this.#listener.onRecord(record, place);
        },
        newOwner: (epoch) => {
          this.#listener.onNewOwner(epoch);
          // Its claim is on its way, or was lost.
          this.log.onNotice(this.log.position.seq + 1);
        },
        reset: () => this.#reset('hole'),
        dropped: (reason) => metrics.liveDropped.add(1, { reason }),
      },
      epoch,
      config.maxFeedQueue,
    );
    this.#live = live;
    const onLive = (message: BusMessage) => this.#onLive(live, message);
    this.#subscriptions.push(nats.subscribe(subjects.gameLive(this.#game), {}, onLive));
  }

  #onFeed(message: BusMessage): void {
    const record = decodeFeedMessage(message);
    if (record === undefined) this.#deps.metrics.badRecords.add(1);
    else this.#take(message, () => this.log.onRecord(record));
  }

  #onLive(live: LiveFollower<DeltaRecord>, message: BusMessage): void {
    const record = decodeLive(message);
    // One that cannot be read leaves a hole, which the next one shows.
    if (record === undefined || !hasLivePosition(record.epoch, record.n)) {
      this.#deps.metrics.badRecords.add(1);
      return;
    }
    const { epoch, n } = record;
    this.#take(message, () => live.onDelta({ epoch, n, record }));
  }

  #take(message: BusMessage, work: () => void): void {
    const { tracer } = this.#deps;
    this.#listener.onHeard();
    const trace = tracer.enabled ? message.trace : undefined;
    if (trace === undefined) work();
    else tracer.withSpan('edge deliver game record', trace, work);
  }

  #onLogged({ seq, record }: FeedEntry<FollowedRecord>, prev: number): void {
    if (record.kind === 'unreadable') {
      this.#deps.metrics.badRecords.add(1);
      this.#listener.onLost();
    } else if (this.#live === undefined) this.#listener.onRecord(record, { seq, prev });
    else if (record.kind === 'claim') this.#listener.onClaim(record);
    else if (record.kind === 'end') this.#listener.onRecord(record, { seq: AFTER_ALL, prev: 0 });
  }

  async #read(request: number, fromSeq: number): Promise<void> {
    const options = {
      stream: gameStreamName(this.#game, this.#deps.config.partitions),
      logSubject: this.#deps.subjects.gameLog(this.#game),
      decode: decodeStored,
      isOpen: () => this.log.state !== 'closed',
    };
    const stretch = await readLog(this.#deps, options, fromSeq);
    if (stretch !== undefined) this.log.onRead(request, stretch);
  }

  #reset(reason: string): void {
    const { metrics, log } = this.#deps;
    metrics.resets.add(1, { kind: 'game', reason });
    log.warn({ game: this.#game, reason }, 'a game is sent anew');
    this.#listener.onPosition(this.position);
    this.#listener.onLost();
  }
}

/** Of a state, among what members are shown: its place in the log or, if that holds no deltas, on `.live`. */
export function positionOf({ epoch, seq, liveN }: StateReply): number {
  return liveN === undefined ? seq : livePosition(epoch, liveN);
}
