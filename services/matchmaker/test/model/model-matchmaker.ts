/** A matchmaker in the model: the real domain, composed as the service does it, on a connection and a clock of its own. */

import { type GameEntry, LEADER_KEY, type LeaderRecord, subjectsFor } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import { KeyedLock, type NatsBus } from '@breakwater/service-kit';
import { ModelClient } from '@breakwater/testkit';
import { SimRequests } from '../../src/adapters/sim-requests.ts';
import { Creation } from '../../src/domain/creation.ts';
import { Drains } from '../../src/domain/drains.ts';
import { Follower } from '../../src/domain/follower.ts';
import { HeardTime } from '../../src/domain/heard-time.ts';
import { Hostings } from '../../src/domain/hostings.ts';
import { type LeaderStore, Leadership } from '../../src/domain/leadership.ts';
import { Fleet } from '../../src/domain/liveness.ts';
import { Matchmaking } from '../../src/domain/matchmaking.ts';
import { Mirror } from '../../src/domain/mirror.ts';
import { type MoveCause, Mover } from '../../src/domain/mover.ts';
import { Pinning } from '../../src/domain/pinning.ts';
import type { EntryStore, Time, WriteResult } from '../../src/domain/ports.ts';
import { QuickMatch } from '../../src/domain/quick-match.ts';
import { Peers } from '../../src/domain/rank.ts';
import { Rebalancer } from '../../src/domain/rebalancer.ts';
import { Registrar } from '../../src/domain/registrar.ts';
import { type RepinCause, Repinner } from '../../src/domain/repinner.ts';
import { LIMITS, type ModelLimits } from './limits.ts';
import type { ModelBucket } from './model-bucket.ts';
import type { ModelNats } from './model-nats.ts';
import type { Seam } from './seeded-bugs.ts';

const subjects = subjectsFor(1);
const LISTEN_HEARTBEATS = 1.5;
const MAX_WAITING = 100;

/** What a replica begins or does, as the rules watch it. */
export interface MatchmakerEvents {
  /** A request leaves for a process. */
  onAsk(matchmaker: ModelMatchmaker, pod: string, verb: string, request: object): () => void;
  /** Something begins that only a leader may begin. */
  onAct(matchmaker: ModelMatchmaker, act: 'repin' | MoveCause, game: string): void;
  onRepin(matchmaker: ModelMatchmaker, game: string, cause: RepinCause, outcome: string): void;
  onMove(matchmaker: ModelMatchmaker, game: string, cause: MoveCause, outcome: string): void;
  /** The process is taken for gone. */
  onGone(matchmaker: ModelMatchmaker, pod: string): void;
  onError(error: unknown): void;
}

export interface MatchmakerSetup {
  readonly name: string;
  readonly nats: ModelNats;
  readonly limits: ModelLimits;
  /** Of its machine, against that of the model, ms. */
  readonly dateOffMs: number;
  readonly nonce: () => string;
  readonly events: MatchmakerEvents;
  readonly seam: Seam;
}

/** Notes what a leader begins. */
class WatchedMover extends Mover {
  onMove: (game: string, cause: MoveCause) => void = () => undefined;

  override move(game: string, cause: MoveCause, to?: string): Promise<GameEntry> {
    this.onMove(game, cause);
    return super.move(game, cause, to);
  }
}

export class ModelMatchmaker extends ModelClient {
  readonly matchmaking: Matchmaking;
  readonly leadership: Leadership;
  readonly mover: WatchedMover;
  readonly #setup: MatchmakerSetup;
  readonly #time: Time;
  readonly #heard: HeardTime;
  readonly #fleet: Fleet;
  readonly #hostings = new Hostings();
  readonly #mirror = new Mirror();
  readonly #peers: Peers;
  readonly #follower: Follower;
  readonly #repinner: Repinner;
  readonly #drains: Drains;
  readonly #rebalancer: Rebalancer;
  #wasLeader = false;
  /** Start of its last write of the leader's key that it knows to be stored. */
  provenMs = Number.NEGATIVE_INFINITY;
  isReady = false;

  constructor(setup: MatchmakerSetup) {
    const { name, nats, limits, dateOffMs, events, seam } = setup;
    super(name, nats);
    this.#setup = setup;
    this.#time = {
      unixMs: () => Date.UTC(2026, 0, 1) + this.clock.monotonicMs() + dateOffMs,
      monotonicMs: () => this.clock.monotonicMs(),
      after: (delayMs, fn) => this.clock.after(delayMs, fn),
    };
    this.#heard = new HeardTime(LIMITS.heartbeatMs);
    this.#fleet = new Fleet(limits, this.#heard);
    this.#fleet.onAnyGone((pod) => events.onGone(this, pod));
    this.#peers = new Peers(name, LIMITS.heartbeatMs * (LIMITS.missedHeartbeats + 1));
    const registrar = new Registrar((seam.store ?? same)(this.#entryStore()), this.#mirror);
    this.leadership = new Leadership({
      self: name,
      store: this.#leaderStore(),
      time: this.#time,
      heard: this.#heard,
      limits,
      nonce: setup.nonce,
      onError: () => undefined,
    });
    const isLeader = (): boolean =>
      seam.isLeaderAtBeat === true ? this.#wasLeader : this.leadership.isLeader;
    const shared = {
      mirror: this.#mirror,
      fleet: this.#fleet,
      heard: this.#heard,
      hostings: this.#hostings,
      registrar,
      sims: this.#sims(),
      time: this.#time,
      limits,
      isLeader,
      seed: () => 1,
      gameIdOf: (user: string, key: string, made = 0) => `${user}-${key}${made === 0 ? '' : `-${made}`}`,
      rankOf: (game: string) => this.#peers.rankOf(game),
      onRepin: (game: string, cause: RepinCause, outcome: string) =>
        events.onRepin(this, game, cause, outcome),
      onMove: (game: string, cause: MoveCause, outcome: string) => events.onMove(this, game, cause, outcome),
      onError: (error: unknown) => {
        if (!(error instanceof ProtocolError) && !isBusError(error)) events.onError(error);
      },
    };
    const pinning = new Pinning(shared);
    this.mover = new WatchedMover({ ...shared, pinning });
    this.mover.onMove = (game, cause) => events.onAct(this, cause, game);
    const moving = { ...shared, mover: this.mover };
    this.#repinner = new Repinner({ ...shared, pinning: this.#watched(pinning) });
    this.#drains = new Drains(moving);
    this.#rebalancer = new Rebalancer(moving);
    this.#follower = new Follower({ ...shared, onNews: () => this.#repinner.look() });
    const creation = new Creation({ ...shared, pinning });
    const isFollowing = () => this.leadership.isFollowing;
    const turns = new KeyedLock(MAX_WAITING, () => new ProtocolError('busy'));
    const quickMatch = new QuickMatch({ ...shared, pinning, creation, turns, isFollowing });
    this.matchmaking = new Matchmaking({ ...moving, pinning, creation, quickMatch, isFollowing });
    this.#begin();
  }

  get isLeader(): boolean {
    return !this.isDead && this.leadership.isLeader;
  }

  /** Open games that nobody is known to host, by the leader. */
  get waiting(): number {
    return this.#repinner.waiting;
  }

  /** In order: another leads, and nothing is left half done. */
  async stop(): Promise<void> {
    this.isReady = false;
    await this.leadership.resign();
    await Promise.all([this.#repinner.idle(), this.mover.idle()]);
    this.#follower.stop();
    this.kill();
  }

  #begin(): void {
    const { nats, seam } = this.#setup;
    const watch = nats.games.watch(this.link, ({ key, value, revision }) => {
      if (value === undefined) this.#mirror.remove(key, revision);
      else this.#mirror.put(value, revision);
    });
    this.link.onConnected = () => {
      this.clock.after(0, () => {
        if (seam.isReconnectIgnored !== true) this.#fleet.reconnected();
        watch.resync();
      });
    };
    nats.statuses.hear(this.link, (status) => {
      this.#follower.status(status);
      this.#rebalancer.status(status);
      if (status.isDraining) this.#drains.look();
    });
    nats.heartbeats.hear(this.link, (matchmaker) => {
      if (matchmaker !== this.name) this.#peers.heard(matchmaker, this.clock.monotonicMs());
      else if (seam.isEchoAssumed !== true) this.#echo();
    });
    const send = () => {
      this.link.up(() => nats.heartbeats.say(this.name));
      if (seam.isEchoAssumed === true) this.#echo();
    };
    this.clock.every(LIMITS.heartbeatMs, send);
    send();
    this.clock.after(LIMITS.heartbeatMs * LISTEN_HEARTBEATS, () => {
      this.isReady = true;
    });
  }

  #echo(): void {
    this.#fleet.echo(this.clock.monotonicMs());
    void this.leadership.beat().then(() => {
      this.#wasLeader = this.leadership.isLeader;
      this.#repinner.look();
      this.#drains.look();
      this.#rebalancer.look();
    });
  }

  #watched(pinning: Pinning) {
    const begin = (entry: GameEntry) => this.#setup.events.onAct(this, 'repin', entry.game);
    return {
      hostingOf: (game: string) => pinning.hostingOf(game),
      isPinning: (game: string) => pinning.isPinning(game),
      confirm: (entry: GameEntry) => {
        begin(entry);
        return pinning.confirm(entry);
      },
      ensureHosted: (entry: GameEntry) => {
        begin(entry);
        return pinning.ensureHosted(entry);
      },
    };
  }

  #sims(): SimRequests {
    const { nats, events, limits } = this.#setup;
    const bus = {
      request: (subject: string, request: object, { timeoutMs }: { timeoutMs: number }) => {
        const [, pod = '', verb = ''] = subject.split('.');
        const end = events.onAsk(this, pod, verb, request);
        return nats.request(this, subject, request, timeoutMs).finally(end);
      },
    };
    return new SimRequests(bus as unknown as NatsBus, subjects, limits);
  }

  #entryStore(): EntryStore {
    const { games } = this.#setup.nats;
    const write = async (game: string, entry: GameEntry | undefined, revision: number) =>
      orUnavailable(await this.#write(games, game, entry, revision).catch(() => undefined));
    return {
      get: async (game) => {
        const found = await this.#read(games, game);
        return found && { entry: found.value, revision: found.revision };
      },
      create: (entry) => write(entry.game, entry, 0),
      update: (entry, revision) => write(entry.game, entry, revision),
      remove: (game, revision) => write(game, undefined, revision),
    };
  }

  #leaderStore(): LeaderStore {
    const { leader } = this.#setup.nats;
    const write = async (record: LeaderRecord, revision: number): Promise<WriteResult> => {
      const startMs = this.clock.monotonicMs();
      const result = await this.#write(leader, LEADER_KEY, record, revision);
      if (result !== 'conflict') this.provenMs = startMs;
      return result;
    };
    return {
      get: async () => {
        const found = await this.#read(leader, LEADER_KEY);
        return found && { record: found.value, revision: found.revision };
      },
      create: (record) => write(record, 0),
      update: (record, revision) => write(record, revision),
    };
  }

  #read<T>(bucket: ModelBucket<T>, key: string) {
    const { nats, limits } = this.#setup;
    return nats.ask<ReturnType<typeof bucket.get>>(this, limits.storeTimeoutMs, (answer) =>
      answer(bucket.get(key)),
    );
  }

  #write<T>(
    bucket: ModelBucket<T>,
    key: string,
    value: T | undefined,
    expected: number,
  ): Promise<WriteResult> {
    const { nats, limits } = this.#setup;
    return nats.ask<WriteResult>(this, limits.storeTimeoutMs, (answer) => {
      const result = bucket.write(key, value, expected);
      if (result !== undefined) answer(result === 'conflict' ? result : { revision: result });
    });
  }
}

const same = (store: EntryStore) => store;

function orUnavailable(result: WriteResult | undefined): WriteResult {
  if (result === undefined) throw new ProtocolError('unavailable');
  return result;
}

const isBusError = (error: unknown): boolean => error instanceof Error && error.name === 'BusError';
