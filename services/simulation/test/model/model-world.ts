/** The model: real hosts and a real follower at the edge, on a NATS server, connections and a clock in memory. */

import { decodeStateReply } from '@breakwater/bus';
import { type Link, ModelClock } from '@breakwater/testkit';
import type { StopReason } from '../../src/domain/owner-types.ts';
import { random } from '../memory-world.ts';
import { Broker } from './broker.ts';
import { type Command, type Plan, type Play, PROCESSES, USERS, userOf, type Who } from './command.ts';
import { damageNewest } from './damage.ts';
import { recordOf } from './evidence.ts';
import { ModelFleet, type ModelGame } from './model-fleet.ts';
import { HOST_TIMEOUT_MS, type ModelProcess } from './model-process.ts';
import type { Seam } from './seeded-bugs.ts';

const BUSTLE_MS = 15;
const TAIL_CHECK_MS = 3_000;
const LONGEST_BACKOFF_MS = 1_000;
/** A server that is down for the longest time, and everybody connected to it again. */
const LONGEST_FAULT_MS = 1_700;

/** Those who play, and the edge that they are connected to. */
export interface Players {
  /** What an edge or a client would count as broken. */
  readonly faults: readonly string[];
  join(user: string): Promise<void>;
  /** The same join once more, or one before it. */
  joinAgain(user: string): void;
  leave(user: string, kind: 'leave' | 'dropped'): void;
  /** One command, or two of which the second arrives first. */
  play(user: string, name: Play, isReversed: boolean): void;
  /** Everything that no state has covered yet. */
  resend(user: string): void;
  /** Whether a player sits, sees the game, and has seen the effect of all that was sent. */
  isCaughtUp(user: string): boolean;
  /** Whether something was missed, asked of the log. */
  checkTail(): Promise<void>;
  close(): void;
}

/** What the edge of a model has. */
export interface EdgeParts {
  readonly broker: Broker;
  readonly link: Link;
  readonly clock: ModelClock;
  readonly seam: Seam;
}

/** A game, and those who play it. */
export interface ModelKind<P extends Players> {
  readonly game: ModelGame;
  readonly players: (edge: EdgeParts) => P;
}

export class ModelWorld<P extends Players> {
  readonly clock = new ModelClock();
  readonly broker: Broker;
  readonly players: P;
  readonly fleet: ModelFleet;
  /** What was seen to go wrong while it went wrong. */
  readonly violations: string[] = [];
  readonly #random: () => number;
  readonly #edge: Link;
  #isEnded = false;
  #isOver = false;

  constructor(
    kind: ModelKind<P>,
    { seed, isReplicated }: Pick<Plan, 'seed' | 'isReplicated'>,
    seam: Seam = {},
  ) {
    this.#random = random(seed);
    this.broker = new Broker(this.clock, this.#random, isReplicated ? 'replicated' : 'single');
    this.fleet = new ModelFleet({
      broker: this.broker,
      clock: this.clock,
      random: this.#random,
      seam,
      game: kind.game,
      events: {
        onStopped: (process, epoch, reason, detail) => this.#onStopped(process, epoch, reason, detail),
        onAnswer: (bytes) => this.#onAnswer(bytes),
        onTickError: (error) => void this.violations.push(`a tick threw: ${String(error)}`),
      },
    });
    this.#edge = this.broker.newLink();
    this.players = kind.players({ broker: this.broker, link: this.#edge, clock: this.clock, seam });
    this.#edge.onConnected = () => void this.players.checkTail();
    this.#checkTails();
  }

  /** A game with an owner, as most runs want to begin. */
  async begin(): Promise<void> {
    void this.fleet.host(0, 1);
    await this.clock.advance(60);
    for (const user of USERS.slice(1)) void this.players.join(user);
    await this.clock.advance(60);
  }

  async perform(command: Command): Promise<void> {
    this.#do(command);
    if (command.kind === 'bustle') await this.#bustle(command.ms);
    else await this.clock.advance(command.kind === 'wait' ? command.ms : 1);
  }

  /** Nothing goes wrong any more: the game must find an owner, and everybody their place in it. */
  async settle(): Promise<void> {
    this.#mendAll();
    await this.clock.advance(LONGEST_FAULT_MS + HOST_TIMEOUT_MS);
    await this.#findOwner();
    if (!this.#isEnded) await this.#seatAll();
    await this.clock.advance(LONGEST_BACKOFF_MS);
    await this.#stopAll();
  }

  #do(command: Command): void {
    const { broker, players, fleet } = this;
    switch (command.kind) {
      case 'wait':
      case 'bustle':
        break;
      case 'host':
        void fleet.host(command.process, Math.max(1, fleet.heardEpoch + 1 + command.late));
        break;
      case 'race':
        for (const index of fleet.processes.keys()) void fleet.host(index, fleet.heardEpoch + 1);
        break;
      case 'move':
        void fleet.move(command.from, command.to);
        break;
      case 'warm':
        void fleet.warm(command.process);
        break;
      case 'release':
        void fleet.release(command.process, fleet.heardEpoch + command.late);
        break;
      case 'crash':
        fleet.crash(command.process);
        break;
      case 'pause':
        fleet.pause(command.process, command.ms);
        break;
      case 'hold':
        this.#hold(this.#linkOf(command.who), command);
        break;
      case 'cut':
        broker.cut(this.#linkOf(command.who));
        break;
      case 'pauseServer':
        broker.pause();
        this.clock.after(command.ms, () => broker.resume());
        break;
      case 'restartServer':
        broker.restart(command.ms);
        break;
      case 'changeLeader':
        broker.changeLeader(command.isKept);
        break;
      case 'loseFeed':
        broker.feedLosses = command.count;
        break;
      case 'fillStream':
        broker.fullAppends = command.count;
        break;
      case 'damage':
        damageNewest(broker.snapshots, command.how);
        break;
      case 'upgrade':
        fleet.upgrade(command.process);
        break;
      case 'sweep':
        fleet.at(command.process).sweep();
        break;
      case 'join':
        void players.join(userOf(command.user));
        break;
      case 'oldJoin':
        players.joinAgain(userOf(command.user));
        break;
      case 'leave':
        players.leave(userOf(command.user), 'leave');
        break;
      case 'drop':
        players.leave(userOf(command.user), 'dropped');
        break;
      case 'resend':
        players.resend(userOf(command.user));
        break;
      case 'play':
        players.play(userOf(command.user), command.name, command.isReversed);
        break;
      default:
        command satisfies never;
    }
  }

  async #bustle(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= BUSTLE_MS) {
      this.players.play(userOf(Math.floor(this.#random() * USERS.length)), 'add', false);
      await this.clock.advance(Math.min(leftMs, BUSTLE_MS));
    }
  }

  #hold(link: Link, { direction, ms }: Command & { kind: 'hold' }): void {
    link.hold(direction);
    this.clock.after(ms, () => link.release(direction));
  }

  #linkOf(who: Who): Link {
    return who === 'edge' ? this.#edge : this.fleet.at(who).link;
  }

  #checkTails(): void {
    this.clock.after(TAIL_CHECK_MS, () => {
      if (this.#isOver) return;
      void this.players.checkTail();
      this.#checkTails();
    });
  }

  #mendAll(): void {
    this.broker.resume();
    this.broker.feedLosses = 0;
    this.broker.fullAppends = 0;
    for (const link of [this.#edge, ...this.fleet.processes.map(({ link }) => link)])
      for (const direction of ['up', 'down'] as const) link.release(direction);
    for (const process of this.fleet.processes) process.resume();
  }

  async #findOwner(): Promise<void> {
    const first = Math.floor(this.#random() * PROCESSES);
    for (let attempt = 0; attempt < PROCESSES * 3; attempt++) {
      const hosting = this.fleet.host((first + attempt) % PROCESSES, this.fleet.heardEpoch + 1);
      const { outcome, refusal, detail } = await this.#until(hosting);
      this.#isEnded = refusal === 'ended';
      if (outcome === 'hosted' || this.#isEnded) return;
      // Of the next version already, which another process has.
      if (refusal === 'claimed' || refusal === 'unknown_game_type') continue;
      this.violations.push(`the game is lost: ${refusal} ${detail ?? ''}`);
      return;
    }
    this.violations.push('nobody can take the game');
  }

  async #seatAll(): Promise<void> {
    for (const user of USERS) void this.players.join(user);
    for (let round = 0; round < 60; round++) {
      await this.clock.advance(120);
      const left = USERS.filter((user) => !this.players.isCaughtUp(user));
      if (left.length === 0) return;
      for (const user of left) this.players.resend(user);
    }
    const isOver = this.broker.log.archive.some((record) => recordOf(record).kind === 'end');
    if (!isOver) this.violations.push('the players are not served');
  }

  /** After every process has stopped in order nothing is left: no game, no timer. */
  async #stopAll(): Promise<void> {
    this.#isOver = true;
    await this.#until(this.fleet.stop());
    this.players.close();
    await this.clock.advance(LONGEST_BACKOFF_MS);
    this.violations.push(...this.fleet.leftovers(), ...this.broker.sweepFaults);
    this.violations.push(...this.players.faults, ...this.broker.ledgers.violations);
  }

  /** Lets time pass until the promise is settled. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    void promise.finally(() => {
      isSettled = true;
    });
    for (let passedMs = 0; !isSettled && passedMs < 10_000; passedMs += 20) await this.clock.advance(20);
    if (!isSettled) throw new Error('nothing happens any more');
    return promise;
  }

  /** Who says that another owner has overtaken it must be right; nothing in these runs makes a game fail. */
  #onStopped(process: ModelProcess, epoch: number, reason: StopReason, detail: string | undefined): void {
    if (reason === 'failed') this.violations.push(`${process.name} calls the game failed: ${detail}`);
    if (reason !== 'overtaken') return;
    const records = this.broker.log.archive.map(recordOf);
    const claim = records.findLast(({ kind }) => kind === 'claim');
    const isOwner = claim?.kind === 'claim' && claim.epoch === epoch && claim.pod === process.name;
    if (isOwner && records.at(-1)?.kind !== 'end')
      this.violations.push(`${process.name} gave up a game that was its own`);
  }

  #onAnswer(bytes: Uint8Array): void {
    const decoded = decodeStateReply(bytes);
    if (!decoded.ok) this.violations.push(`an answer ${decoded.error.sentence}`);
    else if (decoded.value.seq > this.broker.log.lastSeq)
      this.violations.push(`a state of ${decoded.value.seq} was told before that was stored`);
  }
}
