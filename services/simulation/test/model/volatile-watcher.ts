/** An edge with players of a volatile game: follows its deltas as an edge does, joins and numbers as the SDK does. */

import {
  type DeltaRecord,
  type GameInput,
  type GameRecord,
  livePosition,
  type StateReply,
} from '@breakwater/bus';
import { Replica } from '@breakwater/game-kit/replica';
import { LiveFollower } from '../../../edge/src/domain/live-follower.ts';
import { Recent } from '../../../edge/src/domain/recent.ts';
import { type ClockPort, sleep } from '../../src/domain/ports.ts';
import type { Play } from './command.ts';
import type { Players } from './model-world.ts';
import type { Asked } from './watcher.ts';

/** Requests reject when no answer comes in time. */
export interface VolatilePorts {
  readonly clock: ClockPort;
  publish(input: GameInput): void;
  request(input: GameInput): Promise<Asked>;
  /** Epoch of the log's newest record. */
  tailEpoch(): Promise<number>;
  /** Makes the next step of the game throw. */
  breakStep(): void;
}

/** What one player was shown. */
export interface LiveShown {
  readonly kind: 'state' | 'delta';
  readonly epoch: number;
  readonly position: number;
  readonly tick: number;
  /** All that everybody sees there. */
  readonly picture: string;
}

interface Delta {
  readonly seq: number;
  readonly epoch: number;
  readonly record: DeltaRecord;
}

interface Command {
  readonly n: number;
  readonly name: Play;
}

interface Member {
  readonly user: string;
  join: number;
  pid: number;
  /** `unseated`: told that the seat is gone with the owner that gave it, and about to join again. */
  phase: 'out' | 'joining' | 'live' | 'syncing' | 'unseated';
  isAttached: boolean;
  shownEpoch: number;
  shownSeq: number;
  replica: Replica | undefined;
  readonly shown: LiveShown[];
  /** The number of the last command, and of the last one that was covered. */
  lastN: number;
  covered: number;
  adds: number;
  /** A command that was sent after the last join is covered: others may follow it. */
  isOpen: boolean;
  pending: Command[];
}

const EDGE = 'edge-1';
const RETRY_MS = 100;
const REJOIN_MS = 25;
/** Clients take the numbers of their joins from the time: no two are the same, whoever makes them. */
const JOIN_STEP = 2;

export class VolatileWatcher implements Players {
  readonly members = new Map<string, Member>();
  readonly faults: string[] = [];
  readonly #ports: VolatilePorts;
  readonly #live: LiveFollower<DeltaRecord>;
  readonly #recent = new Recent<Delta>(256);
  #epoch = 0;
  #joins = 0;
  #isSyncing = false;
  #isClosed = false;

  constructor(ports: VolatilePorts) {
    this.#ports = ports;
    this.#live = new LiveFollower<DeltaRecord>(
      {
        forward: ({ epoch, n, record }) => this.#forward({ seq: livePosition(epoch, n), epoch, record }),
        newOwner: (epoch) => this.#rise(epoch),
        reset: () => this.#reset(),
        dropped: () => undefined,
      },
      0,
      512,
    );
  }

  /** Of the log's feed. */
  onRecord({ kind, epoch }: GameRecord): void {
    if (kind === 'claim') this.#rise(epoch);
  }

  /** As its head was read. */
  onDelta(record: DeltaRecord, { epoch, n }: { readonly epoch: number; readonly n: number } = record): void {
    this.#live.onDelta({ epoch, n, record });
  }

  /** Deltas may be missed, which nothing but full state tells. */
  async checkTail(): Promise<void> {
    this.#live.doubt();
    this.#reset();
    const epoch = await this.#try(() => this.#ports.tailEpoch());
    if (epoch !== undefined) this.#rise(epoch);
  }

  async join(user: string): Promise<void> {
    const member = this.#member(user);
    this.#joins += JOIN_STEP;
    member.join = this.#joins;
    const { join } = member;
    member.phase = 'joining';
    member.pid = 0;
    member.isOpen = false;
    this.#attach(member);
    const isWanted = () => member.join === join && member.phase === 'joining';
    const answer = await this.#try(() => this.#ports.request(this.#joinOf(user, join)), isWanted);
    if (answer === undefined || !isWanted()) return;
    if ('error' in answer) this.#forget(member);
    else this.#joined(member, answer);
  }

  joinAgain(user: string): void {
    const member = this.members.get(user);
    if (member === undefined || member.join === 0) return;
    const join = member.join - 1;
    this.#ports.request(this.#joinOf(user, join)).catch(() => undefined);
  }

  leave(user: string, kind: 'leave' | 'dropped'): void {
    const member = this.members.get(user);
    if (member === undefined || member.pid === 0) return;
    this.#ports.publish({ kind, pid: member.pid, join: member.join });
    this.#forget(member);
  }

  play(user: string, name: Play, isReversed: boolean): void {
    const member = this.members.get(user);
    if (member === undefined) return;
    if (name === 'breakStep') this.#ports.breakStep();
    const names: Play[] = [name === 'breakStep' ? 'add' : name, ...(isReversed ? (['add'] as const) : [])];
    const commands = names.map((each) => ({ n: ++member.lastN, name: each }));
    member.adds += names.filter((each) => each === 'add').length;
    const isAlone = member.pending.length === 0;
    member.pending.push(...commands);
    if (member.isOpen) for (const command of commands.reverse()) this.#send(member, command);
    else if (isAlone) this.#sendFirst(member);
  }

  resend(user: string): void {
    const member = this.members.get(user);
    if (member === undefined) return;
    if (member.isOpen) for (const command of member.pending) this.#send(member, command);
    else this.#sendFirst(member);
  }

  isCaughtUp(user: string): boolean {
    const member = this.members.get(user);
    return member?.phase === 'live' && member.pending.length === 0;
  }

  /** The delta that was handed on last. */
  get place(): { readonly epoch: number; readonly n: number } {
    return this.#live.position;
  }

  /** No command has its effect twice. Those of the next version add two. */
  countFaults(): string[] {
    return Array.from(this.members.values()).flatMap(({ user, replica, pid, adds }) => {
      const value = Number(replica?.table('counters').rows.get(pid)?.value ?? 0);
      const most = adds * (replica?.schema.schemaVersion ?? 1);
      return value > most ? [`${user} sent ${adds} commands, and ${value} was counted`] : [];
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#live.close();
  }

  #joinOf(user: string, join: number) {
    return { kind: 'join', edge: EDGE, session: user, user, name: user, join, spectate: false } as const;
  }

  #member(user: string): Member {
    const known = this.members.get(user);
    if (known !== undefined) return known;
    const member: Member = {
      user,
      join: 0,
      pid: 0,
      phase: 'out',
      isAttached: false,
      shownEpoch: 0,
      shownSeq: 0,
      replica: undefined,
      shown: [],
      lastN: 0,
      covered: 0,
      adds: 0,
      isOpen: false,
      pending: [],
    };
    this.members.set(user, member);
    return member;
  }

  #sendFirst(member: Member): void {
    const [first] = member.pending;
    if (first !== undefined) this.#send(member, first);
  }

  #send({ pid, join }: Member, { n, name }: Command): void {
    if (pid === 0) return;
    this.#ports.publish({ kind: 'command', pid, join, n, name, ...(name === 'add' && { args: { tag: n } }) });
  }

  #cover(member: Member, ack: number): void {
    member.covered = Math.max(member.covered, ack);
    const before = member.pending.length;
    member.pending = member.pending.filter(({ n }) => n > member.covered);
    if (member.pending.length === before || member.isOpen) return;
    member.isOpen = true;
    this.resend(member.user);
  }

  /** A seat of an owner that was overtaken meanwhile is not to be had. */
  #joined(member: Member, reply: StateReply): void {
    if (reply.join !== member.join) this.faults.push(`the answer to join ${member.join} names ${reply.join}`);
    this.#rise(reply.epoch);
    member.pid = reply.pid;
    if (reply.epoch < this.#epoch) this.#unseat(member);
    else if (!this.#show(member, reply)) this.#resync(member);
    this.#sendFirst(member);
  }

  #show(member: Member, reply: StateReply): boolean {
    const { epoch, liveN, tick } = reply;
    if (liveN === undefined) throw new Error('the game is not volatile');
    const position = livePosition(epoch, liveN);
    if (epoch < this.#epoch || position < member.shownSeq) return false;
    if (this.#live.state === 'waiting') {
      this.#recent.restart(position);
      this.#live.start(epoch, liveN);
    }
    const missed = this.#recent.after(position);
    if (missed === undefined || epoch < this.#epoch) return false;
    if (reply.schema !== '') member.replica = new Replica(JSON.parse(reply.schema));
    const slice = reply.parts.slices.find(({ pid }) => pid === member.pid);
    member.replica?.applyState(reply.parts.shared, slice?.bytes);
    member.phase = 'live';
    this.#note(member, { kind: 'state', epoch, position, tick });
    this.#detach(member);
    for (const delta of missed) this.#deliver(member, delta);
    return true;
  }

  #forward(delta: Delta): void {
    this.#epoch = Math.max(this.#epoch, delta.epoch);
    this.#recent.add(delta);
    for (const member of this.members.values())
      if (member.phase === 'live' && delta.seq > member.shownSeq) this.#deliver(member, delta);
  }

  #deliver(member: Member, { seq, record }: Delta): void {
    const { epoch, n, tick, parts } = record;
    try {
      member.replica?.applyDelta(parts.shared, parts.slices.find(({ pid }) => pid === member.pid)?.bytes);
    } catch (cause) {
      this.faults.push(`${member.user} cannot apply the delta at ${seq}: ${String(cause)}`);
    }
    this.#note(member, { kind: 'delta', epoch, position: livePosition(epoch, n), tick });
  }

  #note(member: Member, shown: Omit<LiveShown, 'picture'>): void {
    const { replica, pid } = member;
    member.shown.push({ ...shown, picture: replica === undefined ? '' : pictureOf(replica) });
    member.shownEpoch = shown.epoch;
    member.shownSeq = shown.position;
    this.#cover(member, Number(replica?.table('$seats').rows.get(pid)?.ack ?? 0));
  }

  /** Somebody of this epoch owns the game: seats that the ones before gave are asked for again. */
  #rise(epoch: number): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#live.rise(epoch);
    this.#recent.restart(undefined);
    for (const member of this.members.values()) if (member.pid !== 0) this.#unseat(member);
    this.#reset();
  }

  #unseat(member: Member): void {
    if (member.phase === 'unseated') return;
    this.#forget(member);
    member.phase = 'unseated';
    this.#ports.clock.after(REJOIN_MS, () => {
      if (member.phase === 'unseated' && !this.#isClosed) void this.join(member.user);
    });
  }

  #reset(): void {
    this.#recent.restart(undefined);
    for (const member of this.members.values())
      if (member.phase === 'live' || member.phase === 'syncing') this.#resync(member);
  }

  #resync(member: Member): void {
    member.phase = 'syncing';
    this.#attach(member);
    void this.#sync();
  }

  async #sync(): Promise<void> {
    if (this.#isSyncing) return;
    this.#isSyncing = true;
    for (let waiting = this.#syncing(); waiting.length > 0; waiting = this.#syncing()) {
      const pids = waiting.map(({ pid }) => pid);
      const isWanted = () => this.#syncing().length > 0;
      const answer = await this.#try(() => this.#ports.request({ kind: 'sync', edge: EDGE, pids }), isWanted);
      if (answer === undefined || 'error' in answer) break;
      this.#rise(answer.epoch);
      for (const member of waiting) if (member.phase === 'syncing') this.#show(member, answer);
      if (this.#syncing().length > 0) await sleep(this.#ports.clock, RETRY_MS);
    }
    this.#isSyncing = false;
  }

  #syncing(): Member[] {
    return [...this.members.values()].filter(({ phase }) => phase === 'syncing');
  }

  #attach(member: Member): void {
    if (member.isAttached) return;
    member.isAttached = true;
    const { state, position } = this.#live;
    this.#recent.attach(state === 'following' ? livePosition(position.epoch, position.n) : undefined);
  }

  #detach(member: Member): void {
    if (!member.isAttached) return;
    member.isAttached = false;
    this.#recent.detach();
  }

  #forget(member: Member): void {
    member.phase = 'out';
    member.pid = 0;
    this.#detach(member);
  }

  /** Until it works, is not wanted any more, or the edge closes. */
  async #try<T>(ask: () => Promise<T>, isWanted = () => true): Promise<T | undefined> {
    while (!this.#isClosed && isWanted()) {
      try {
        return await ask();
      } catch {
        await sleep(this.#ports.clock, RETRY_MS);
      }
    }
    return undefined;
  }
}

const pictureOf = (replica: Replica): string =>
  JSON.stringify(['clock', 'counters', '$players'].map((name) => [...replica.table(name).rows]));
