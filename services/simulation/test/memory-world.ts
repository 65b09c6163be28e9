/** Owners of one game on a stream in memory, with every rule that can be checked at the store checked there. */

import {
  decodeGameRecord,
  decodeSnapshot,
  decodeStateReply,
  encodeSnapshot,
  type GameRecord,
  type StateReply,
} from '@breakwater/bus';
import type { GameDefinition } from '@breakwater/game-kit';
import { FakeClock } from '@breakwater/testkit';
import { GameFactory } from '../src/domain/game-factory.ts';
import { type HostingResult, hostGame } from '../src/domain/hosting.ts';
import type { Answer } from '../src/domain/inbox.ts';
import { Owner } from '../src/domain/owner.ts';
import {
  DEFAULT_OWNER_OPTIONS,
  type OwnerEvents,
  type OwnerOptions,
  type StopReason,
} from '../src/domain/owner-types.ts';
import type { StoredRecord } from '../src/domain/ports.ts';
import { Replay } from '../src/domain/replay.ts';
import { game as lab } from './games/lab/game.ts';
import { MemoryChain, Way, type Weather, wayTo } from './memory-chain.ts';
import { MemoryLedgers } from './memory-ledgers.ts';
import { chainFault } from './model/evidence.ts';
import { SILENT_EVENTS } from './silent-events.ts';

export const TICK_MS = 20;

export interface LivingOwner {
  readonly owner: Owner;
  readonly way: Way;
  readonly epoch: number;
}

export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function recordOf(stored: StoredRecord): GameRecord {
  const decoded = decodeGameRecord(stored.bytes);
  if (!decoded.ok) throw decoded.error;
  return decoded.value;
}

export class MemoryWorld {
  readonly clock: FakeClock;
  readonly game: string;
  readonly ledgers: MemoryLedgers;
  readonly log: MemoryChain;
  readonly snapshots = new MemoryChain();
  readonly weather: Weather;
  readonly owners: LivingOwner[] = [];
  readonly replies: { readonly reply: StateReply; readonly tailSeq: number }[] = [];
  readonly errors: string[] = [];
  readonly stops: StopReason[] = [];
  readonly hostings: HostingResult[] = [];
  readonly violations: string[] = [];
  readonly restarts: unknown[] = [];
  readonly factory: GameFactory;
  readonly options: OwnerOptions;
  readonly details: { readonly options: Record<string, unknown>; readonly seed: number };
  #nonces = 0;
  /** By pid: the newest join that was answered. */
  readonly #joins = new Map<number, number>();

  constructor(
    weather: Weather,
    options: Partial<OwnerOptions> = {},
    gameOptions: Record<string, unknown> = {},
    definition = lab as unknown as GameDefinition,
    /** What games that give awards to the same users have in common. */
    shared: { readonly game?: string; readonly clock?: FakeClock; readonly ledgers?: MemoryLedgers } = {},
  ) {
    this.clock = shared.clock ?? new FakeClock();
    this.game = shared.game ?? 'game';
    this.ledgers = shared.ledgers ?? new MemoryLedgers();
    this.log = this.ledgers.logOf(this.game);
    this.factory = new GameFactory(definition, () => undefined);
    this.weather = weather;
    this.details = { options: gameOptions, seed: 11 };
    this.options = { ...DEFAULT_OWNER_OPTIONS, hashEveryRecords: 1, snapshotEveryRecords: 5, ...options };
    this.log.onStored = (record, before) => this.#checkRecord(recordOf(record), before && recordOf(before));
  }

  get tailEpoch(): number {
    const tail = this.log.records.at(-1);
    return tail === undefined ? 0 : recordOf(tail).epoch;
  }

  async host(epoch: number, timeoutMs = 4_000, factory = this.factory): Promise<HostingResult> {
    const way = new Way();
    const ports = {
      log: wayTo(this.log, this.clock, this.weather, way),
      snapshots: wayTo(this.snapshots, this.clock, this.weather, way),
      ledger: this.ledgers.ports(this.game, this.clock, this.weather, way),
      clock: this.clock,
      random: this.weather.random,
    };
    const nonce = `nonce-${++this.#nonces}`;
    const deadlineMs = this.clock.monotonicMs() + timeoutMs;
    const isOver = () => this.clock.monotonicMs() >= deadlineMs;
    const retry = { clock: this.clock, random: this.weather.random, isOver };
    const { details } = this;
    const result = await hostGame({
      pod: nonce,
      ports,
      factory,
      nonce,
      epoch,
      details,
      retry,
      onBadStart: () => undefined,
    });
    this.hostings.push(result);
    if (result.kind !== 'hosted') return result;
    const owner = new Owner({
      pod: nonce,
      ports,
      factory,
      game: result.game,
      options: this.options,
      events: this.#events(way),
    });
    this.owners.push({ owner, way, epoch });
    return result;
  }

  /** Lets one tick time pass, and ticks whoever is alive and awake. */
  async tick(): Promise<void> {
    this.stepOwners();
    await this.clock.advanceAsync(TICK_MS);
  }

  stepOwners(): void {
    for (const { owner, way } of this.owners)
      if (!way.isDead && !way.isPaused) owner.tick(this.clock.monotonicMs());
  }

  async ticks(count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.tick();
  }

  /** To every owner that listens, as the broker would. */
  join(user: string, join: number): void {
    const who = { user, name: user, edge: 'edge', session: `s-${user}` };
    const input = { kind: 'join', ...who, join, spectate: false } as const;
    for (const { owner, way } of this.#listening()) owner.receive({ ...input, answer: this.answer(way) });
  }

  command(pid: number, n: number, name = 'add', args: Record<string, unknown> = { tag: n }): void {
    for (const { owner } of this.#listening())
      owner.command({ kind: 'command', pid, join: this.#joins.get(pid) ?? 1, n, name, args });
  }

  drop(pid: number, join: number): void {
    for (const { owner } of this.#listening()) owner.receive({ kind: 'dropped', pid, join });
  }

  answer(way: Way): Answer {
    return {
      state: (bytes) => {
        const decoded = decodeStateReply(bytes);
        if (!decoded.ok) throw decoded.error;
        if (way.isDead || way.isPaused) this.violations.push('a dead or paused process answered');
        this.replies.push({ reply: decoded.value, tailSeq: this.log.lastSeq });
        const { pid, join } = decoded.value;
        this.#joins.set(pid, Math.max(join, this.#joins.get(pid) ?? 0));
      },
      error: (code) => void this.errors.push(code),
    };
  }

  crash(index: number): void {
    const living = this.owners[index];
    if (living === undefined) return;
    living.way.isDead = true;
    living.way.resume();
    this.owners.splice(index, 1);
  }

  /** Damages a stored snapshot: 0 flips a bit, 1 cuts it, 2 moves it into the future, 3 removes it. */
  damageSnapshot(index: number, how: number): void {
    const { records } = this.snapshots;
    const found = records[index % Math.max(1, records.length)];
    if (found === undefined) return;
    if (how === 3) {
      records.splice(records.indexOf(found), 1);
      return;
    }
    const at = records.indexOf(found);
    records[at] = { seq: found.seq, bytes: damaged(found.bytes, how) };
  }

  /** The state that all records up to `seq` make, hash-checked record by record. */
  replay(seq = Number.MAX_SAFE_INTEGER): Replay {
    const replay = new Replay(this.factory);
    for (const record of this.log.archive) if (record.seq <= seq) replay.apply(record);
    return replay;
  }

  #listening(): LivingOwner[] {
    return this.owners.filter(({ way }) => !way.isDead && !way.isPaused);
  }

  #events(way: Way): OwnerEvents {
    return {
      ...SILENT_EVENTS,
      onRestart: (error) => void this.restarts.push(error),
      onStopped: (reason) => {
        this.stops.push(reason);
        const at = this.owners.findIndex((living) => living.way === way);
        if (at >= 0) this.owners.splice(at, 1);
      },
    };
  }

  #checkRecord(record: GameRecord, before: GameRecord | undefined): void {
    const fault = chainFault(record, before);
    if (fault !== undefined) this.violations.push(fault);
  }
}

function damaged(bytes: Uint8Array, how: number): Uint8Array {
  if (how === 1) return bytes.slice(0, bytes.length >> 1);
  if (how === 2) {
    const decoded = decodeSnapshot(bytes);
    if (decoded.ok) return encodeSnapshot({ ...decoded.value, logSeq: decoded.value.logSeq + 1_000_000 });
  }
  const copy = bytes.slice();
  copy[copy.length >> 1]! ^= 4;
  return copy;
}
