/** An edge with its players: follows the feed as an edge does, numbers commands as the SDK does, notes what is shown. */

import type { GameInput, GameRecord, StateReply } from '@breakwater/bus';
import { Replica } from '@breakwater/game-kit/replica';
import {
  type FeedEntry,
  FeedFollower,
  type FeedPosition,
  type LogStretch,
} from '../../../edge/src/domain/feed-follower.ts';
import { Recent } from '../../../edge/src/domain/recent.ts';
import { type ClockPort, sleep } from '../../src/domain/ports.ts';
import type { Play } from './command.ts';
import { Sent } from './sent.ts';

export type Asked = StateReply | { readonly error: string };

/** Requests reject when no answer comes in time. */
export interface WatcherPorts {
  readonly clock: ClockPort;
  publish(input: GameInput): void;
  request(input: GameInput): Promise<Asked>;
  read(fromSeq: number): Promise<LogStretch<GameRecord>>;
  tail(): Promise<FeedPosition | undefined>;
}

/** What one player was shown, in order. */
export type Shown =
  | { readonly kind: 'state'; readonly reply: StateReply }
  | { readonly kind: 'delta'; readonly epoch: number; readonly seq: number };

interface Member {
  readonly user: string;
  join: number;
  pid: number;
  ack: number;
  phase: 'out' | 'joining' | 'live' | 'syncing';
  isAttached: boolean;
  shownEpoch: number;
  shownSeq: number;
  replica: Replica | undefined;
  readonly shown: Shown[];
}

const EDGE = 'edge-1';
const RETRY_MS = 100;

export class Watcher {
  readonly sent = new Sent();
  readonly members = new Map<string, Member>();
  /** What an edge would count as broken. */
  readonly faults: string[] = [];
  readonly follower: FeedFollower<GameRecord>;
  readonly #ports: WatcherPorts;
  readonly #recent = new Recent<FeedEntry<GameRecord>>(256);
  #epoch = 0;
  #isSyncing = false;
  #isClosed = false;

  constructor(ports: WatcherPorts) {
    this.#ports = ports;
    this.follower = new FeedFollower<GameRecord>(
      {
        forward: (entry) => this.#forward(entry),
        read: (request, fromSeq) => void this.#read(request, fromSeq),
        reset: () => this.#reset(),
      },
      { maxQueued: 512, maxRepairRecords: 2_000, maxKnownStamps: 128 },
    );
  }

  /** The net: after a reconnect, and from time to time. */
  async checkTail(): Promise<void> {
    const tail = await this.#try(() => this.#ports.tail());
    if (tail !== undefined) this.follower.onTail(tail);
  }

  /** A new session of the user. Settles when it was answered, or another one replaced it. */
  async join(user: string): Promise<void> {
    const member = this.#member(user);
    member.join += 1;
    const { join } = member;
    member.phase = 'joining';
    this.#attach(member);
    const isWanted = () => member.join === join && member.phase === 'joining';
    const input = {
      kind: 'join',
      edge: EDGE,
      session: user,
      user,
      name: user,
      join,
      spectate: false,
    } as const;
    const answer = await this.#try(() => this.#ports.request(input), isWanted);
    if (answer === undefined || !isWanted()) return;
    if ('error' in answer) this.#forget(member);
    else this.#joined(member, answer);
  }

  /** The same join once more, or one before it. */
  joinAgain(user: string): void {
    const join = Math.max(1, (this.members.get(user)?.join ?? 1) - 1);
    this.#ports
      .request({ kind: 'join', edge: EDGE, session: user, user, name: user, join, spectate: false })
      .catch(() => undefined);
  }

  leave(user: string, kind: 'leave' | 'dropped'): void {
    const member = this.members.get(user);
    if (member === undefined || member.pid === 0 || member.phase === 'out') return;
    this.#ports.publish({ kind, pid: member.pid, join: member.join });
    this.#forget(member);
  }

  /** One command, or two of which the second arrives first. */
  play(user: string, name: Play, isReversed: boolean): void {
    const member = this.members.get(user);
    if (member === undefined || member.pid === 0) return;
    const numbers = [this.sent.next(member.pid, name)];
    if (isReversed) numbers.unshift(this.sent.next(member.pid, 'add'));
    for (const n of numbers) this.#publishCommand(member, n);
  }

  /** Everything that no state has covered yet. */
  resend(user: string): void {
    const member = this.members.get(user);
    if (member === undefined || member.pid === 0) return;
    for (const n of this.sent.after(member.pid, this.#ackOf(member))) this.#publishCommand(member, n);
  }

  /** Whether a player sits, sees the game, and has seen the effect of all that was sent. */
  isCaughtUp(user: string): boolean {
    const member = this.members.get(user);
    if (member?.phase !== 'live') return false;
    return this.sent.after(member.pid, this.#ackOf(member)).length === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.follower.close();
  }

  #member(user: string): Member {
    let member = this.members.get(user);
    if (member === undefined) {
      member = {
        user,
        join: 0,
        pid: 0,
        ack: 0,
        phase: 'out',
        isAttached: false,
        shownEpoch: 0,
        shownSeq: 0,
        replica: undefined,
        shown: [],
      };
      this.members.set(user, member);
    }
    return member;
  }

  #ackOf(member: Member): number {
    const seat = member.replica?.table('$seats').rows.get(member.pid);
    return Math.max(member.ack, Number(seat?.ack ?? 0));
  }

  #publishCommand({ pid, join }: Member, n: number): void {
    const name = this.sent.nameOf(pid, n);
    this.#ports.publish({ kind: 'command', pid, join, n, name, ...(name === 'add' && { args: { tag: n } }) });
  }

  #joined(member: Member, reply: StateReply): void {
    if (reply.join !== member.join) this.faults.push(`the answer to join ${member.join} names ${reply.join}`);
    member.pid = reply.pid;
    member.ack = reply.ack;
    if (!this.#show(member, reply)) this.#resync(member);
  }

  #show(member: Member, reply: StateReply): boolean {
    if (reply.epoch < this.#epoch || reply.epoch < member.shownEpoch || reply.seq < member.shownSeq)
      return false;
    const { state } = this.follower;
    if (state === 'waiting' || state === 'resetting') {
      this.#recent.restart(reply.seq);
      this.follower.start({ seq: reply.seq, stamp: undefined });
    }
    const missed = this.#recent.after(reply.seq);
    if (missed === undefined || missed.some(isWhole)) return false;
    this.#epoch = Math.max(this.#epoch, reply.epoch);
    if (reply.schema !== '') member.replica = new Replica(JSON.parse(reply.schema));
    const slice = reply.parts.slices.find(({ pid }) => pid === member.pid);
    member.replica?.applyState(reply.parts.shared, slice?.bytes);
    member.shown.push({ kind: 'state', reply });
    member.phase = 'live';
    member.shownEpoch = reply.epoch;
    member.shownSeq = reply.seq;
    this.#detach(member);
    for (const entry of missed) this.#deliver(member, entry);
    return true;
  }

  #forward(entry: FeedEntry<GameRecord>): void {
    this.#epoch = Math.max(this.#epoch, entry.record.epoch);
    this.#recent.add(entry);
    if (isWhole(entry)) this.#resyncAll();
    for (const member of this.members.values())
      if (member.phase === 'live' && entry.seq > member.shownSeq) this.#deliver(member, entry);
  }

  #deliver(member: Member, { seq, record }: FeedEntry<GameRecord>): void {
    if (record.kind !== 'delta') return;
    const { epoch, parts } = record;
    try {
      member.replica?.applyDelta(parts.shared, parts.slices.find(({ pid }) => pid === member.pid)?.bytes);
    } catch (cause) {
      this.faults.push(`${member.user} cannot apply the delta at ${seq}: ${String(cause)}`);
    }
    member.shown.push({ kind: 'delta', epoch, seq });
    member.shownEpoch = epoch;
    member.shownSeq = seq;
  }

  #attach(member: Member): void {
    if (member.isAttached) return;
    member.isAttached = true;
    const { state, position } = this.follower;
    this.#recent.attach(state === 'following' || state === 'reading' ? position.seq : undefined);
  }

  #detach(member: Member): void {
    if (!member.isAttached) return;
    member.isAttached = false;
    this.#recent.detach();
  }

  #forget(member: Member): void {
    member.phase = 'out';
    this.#detach(member);
  }

  #reset(): void {
    this.#recent.restart(undefined);
    this.#resyncAll();
  }

  #resyncAll(): void {
    for (const member of this.members.values()) if (member.phase === 'live') this.#resync(member);
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
      for (const member of waiting) if (member.phase === 'syncing') this.#show(member, answer);
      if (this.#syncing().length > 0) await sleep(this.#ports.clock, RETRY_MS);
    }
    this.#isSyncing = false;
  }

  #syncing(): Member[] {
    return [...this.members.values()].filter(({ phase }) => phase === 'syncing');
  }

  async #read(request: number, fromSeq: number): Promise<void> {
    const stretch = await this.#try(() => this.#ports.read(fromSeq));
    if (stretch !== undefined) this.follower.onRead(request, stretch);
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

/** The game went on in another version: nothing can be applied to what was shown before. */
function isWhole({ record }: FeedEntry<GameRecord>): boolean {
  return record.kind === 'delta' && record.isWhole === true;
}
