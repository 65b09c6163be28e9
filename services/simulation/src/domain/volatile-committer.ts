/**
 * Shows what changed at once, and stores all of the game before it is too far ahead of its newest snapshot.
 *
 * Who asks for state is answered only after a read of the log's tail that began later said that the game is still
 * this owner's: deltas of an owner that was overtaken are dropped by their epoch, an answer has nothing before it.
 */

import { encodeGameRecord, hasLivePosition } from '@breakwater/bus';
import { type GameInstance, hashParts } from '@breakwater/game-kit';
import { type EncodedState, isStateFit, snapshotOf } from './captured.ts';
import type { Commits } from './commits.ts';
import type { CommitterDeps } from './committer.ts';
import { CapturedReplies, type Waiting } from './replies.ts';
import type { Settled } from './settle.ts';
import { askOwnership, type Ownership } from './tail-guard.ts';
import { Verifier } from './verifier.ts';
import type { VolatileGame } from './volatile-game.ts';
import type { Saved } from './volatile-snapshots.ts';
import { WaitingAsks } from './waiting-asks.ts';

export interface VolatileCommitterDeps extends CommitterDeps {
  readonly volatile: VolatileGame;
  /** The log or the snapshots are another owner's now. */
  readonly onOvertaken: () => void;
}

/** The first delta that no stored snapshot holds. */
interface Unsaved {
  readonly shownMs: number;
  /** The tick before it. */
  readonly tick: number;
}

interface Saving {
  /** What was unsaved when it began; it is until this is stored. */
  readonly unsaved: Unsaved | undefined;
  readonly hasEnd: boolean;
}

/** Between two looks at the tail while deltas are shown and nobody asks for state. */
const TAIL_CHECK_MS = 1_000;
const NOTHING = new Uint8Array(0);

export class VolatileCommitter implements Commits {
  readonly maxAheadMs: number;
  readonly #deps: VolatileCommitterDeps;
  readonly #schema: string;
  readonly #periodMs: number;
  readonly #verifier: Verifier | undefined;
  /** Of the newest delta. */
  #n = 0;
  #tick: number;
  #shownMs: number;
  readonly #waiting: WaitingAsks;
  #checkedMs: number;
  #checking: Promise<void> | undefined;
  /** What those want who came while the tail was read. */
  #asked: GameInstance | undefined;
  #unsaved: Unsaved | undefined;
  #saves = 0;
  #saving: Saving | undefined;
  #saved: Promise<void> | undefined;
  /** To be stored as soon as what is on its way is. */
  #owed: GameInstance | undefined;
  /** A stored snapshot says that the game has ended. */
  #isEndSaved = false;
  /** The `end` was sent: from then on the owner waits for that and for nothing else. */
  #isEnding = false;
  #isStopped = false;

  constructor(deps: VolatileCommitterDeps) {
    this.#deps = deps;
    const { tickHz, schema } = deps.factory.definition;
    this.maxAheadMs = deps.options.volatileLossMs;
    this.#waiting = new WaitingAsks(deps);
    this.#schema = JSON.stringify(schema);
    this.#periodMs = 1_000 / tickHz;
    this.#verifier = deps.options.verify ? new Verifier(deps.factory, deps.details) : undefined;
    this.#shownMs = deps.ports.clock.monotonicMs();
    this.#checkedMs = this.#shownMs;
    this.#tick = 0;
  }

  /** By the clock, and by the game's own time after one more tick: those made up for in one go count as well. */
  aheadMs(nowMs: number): number {
    const unsaved = this.#saving?.unsaved ?? this.#unsaved;
    if (unsaved === undefined) return 0;
    return Math.max(nowMs - unsaved.shownMs, (this.#tick + 1 - unsaved.tick) * this.#periodMs);
  }

  keepUp(instance: GameInstance, nowMs: number): void {
    if (this.#saving === undefined && this.#isSaveDue(nowMs)) this.#save(instance);
    const isNews = this.#shownMs > this.#checkedMs;
    if (isNews && this.#checking === undefined && nowMs - this.#checkedMs >= TAIL_CHECK_MS) this.#check();
  }

  wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  takeWaiting(): readonly Waiting[] {
    return this.#waiting.take();
  }

  hasNews(instance: GameInstance): boolean {
    return instance.hasChanges || this.#canAnswer || this.#isEndOwed(instance);
  }

  needsCommit(instance: GameInstance, nowMs: number): boolean {
    return this.hasNews(instance) || this.#isQuiet(instance, nowMs);
  }

  commit(instance: GameInstance, trace?: string, isLast = false): void {
    const nowMs = this.#deps.ports.clock.monotonicMs();
    if (instance.hasChanges || this.#isQuiet(instance, nowMs)) this.#show(instance, trace, nowMs);
    if (this.#canAnswer) this.#answer(instance);
    else if (!this.#waiting.isEmpty) this.#asked = instance;
    if (this.#saving !== undefined) {
      if (isLast) this.#owed = instance;
      // Not only in the next tick: with few ticks to a second the game would stand still for it.
    } else if (isLast || this.#isEndOwed(instance) || this.#isSaveDue(nowMs)) this.#save(instance);
  }

  commitEnd(reason: string): void {
    const { chain, ports, events, onSettled, onBroken } = this.#deps;
    this.#isEnding = true;
    this.#owed = undefined;
    const bytes = encodeGameRecord({ kind: 'end', ...chain.nextHead, reason });
    const startedMs = ports.clock.monotonicMs();
    chain
      .append(bytes)
      .then((settled) => {
        if (this.#isStopped) return;
        events.onAppend(settled.kind, ports.clock.monotonicMs() - startedMs, bytes.length);
        onSettled(settled);
      })
      .catch(onBroken);
  }

  async idle(): Promise<void> {
    await this.#deps.chain.idle();
    while (this.#saving !== undefined || this.#checking !== undefined)
      await Promise.all([this.#saved, this.#checking]);
  }

  /** Its newest snapshot may not be its newest delta: a number left out makes everybody ask for all of it. */
  reset(): void {
    this.#n += 1;
    this.#verifier?.reset();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.take();
    this.#asked = undefined;
    this.#owed = undefined;
  }

  /** One read of the tail at a time; those who come meanwhile wait for the next. */
  get #canAnswer(): boolean {
    return !this.#waiting.isEmpty && this.#checking === undefined;
  }

  #isSaveDue(nowMs: number): boolean {
    return this.aheadMs(nowMs) >= this.maxAheadMs / 2;
  }

  #isEndOwed(instance: GameInstance): boolean {
    return instance.ended !== undefined && !this.#isEndSaved;
  }

  /** A last delta that got lost is noticed by the one after it, so there always is one. */
  #isQuiet(instance: GameInstance, nowMs: number): boolean {
    return nowMs - this.#shownMs >= this.#deps.options.keepAliveMs && instance.players.connected > 0;
  }

  #show(instance: GameInstance, trace: string | undefined, nowMs: number): void {
    const { chain, options, events, volatile } = this.#deps;
    const { epoch, nonce } = chain;
    const n = this.#n + 1;
    if (!hasLivePosition(epoch, n)) throw new RangeError('this hosting has shown all the deltas that it may');
    const isChange = instance.hasChanges;
    const parts = instance.encodeDelta();
    this.#verifier?.check(instance, parts);
    const { tick } = parts;
    const bytes = encodeGameRecord({
      kind: 'delta',
      epoch,
      nonce,
      n,
      tick,
      parts: { ...parts, server: NOTHING },
    });
    if (bytes.length > options.maxRecordBytes)
      throw new RangeError(`a delta takes ${bytes.length} bytes, more than ${options.maxRecordBytes}`);
    volatile.live.publish(bytes, trace);
    events.onLive(bytes.length);
    this.#n = n;
    this.#tick = tick;
    this.#shownMs = nowMs;
    if (isChange) this.#unsaved ??= { shownMs: nowMs, tick: tick - 1 };
  }

  #answer(instance: GameInstance): void {
    const { chain, pod } = this.#deps;
    const state = this.#waiting.wantState ? this.#capture(instance) : undefined;
    const replies = new CapturedReplies(this.takeWaiting(), instance, state);
    const liveN = this.#n;
    this.#check(() => {
      const { epoch, lastSeq: seq } = chain;
      this.#waiting.release(replies, { epoch, seq, pod, schema: this.#schema, liveN });
    });
  }

  /** @throws RangeError for a state above the limit: it could not be stored, so it must not go on */
  #capture(instance: GameInstance): EncodedState {
    const state = instance.encodeState();
    if (isStateFit(this.#deps, instance, state, () => this.takeWaiting())) return state;
    throw new RangeError(`the state takes more than ${this.#deps.factory.maxStateBytes} bytes`);
  }

  #check(onOwn?: () => void): void {
    const { ports, chain, onBroken } = this.#deps;
    this.#checkedMs = ports.clock.monotonicMs();
    this.#checking = askOwnership(ports.log, chain, this.#retry())
      .then((ownership) => {
        this.#checking = undefined;
        if (this.#isStopped) return;
        this.#onOwnership(ownership, onOwn);
        const asked = this.#asked;
        this.#asked = undefined;
        if (asked !== undefined && !asked.hasChanges && this.#canAnswer) this.#answer(asked);
      })
      .catch(onBroken);
  }

  #onOwnership(ownership: Ownership, onOwn: (() => void) | undefined): void {
    const { onSettled, onOvertaken } = this.#deps;
    if (ownership === 'own') onOwn?.();
    else if (ownership === 'overtaken') onOvertaken();
    else onSettled({ kind: ownership });
  }

  #save(instance: GameInstance): void {
    const { chain, volatile, onBroken } = this.#deps;
    const state = this.#capture(instance);
    this.#saves += 1;
    const head = { epoch: chain.epoch, nonce: chain.nonce, n: this.#saves };
    const snapshot = { ...snapshotOf(this.#deps, head, state, hashParts(state)), logSeq: chain.lastSeq };
    const saving = { unsaved: this.#unsaved, hasEnd: instance.ended !== undefined };
    this.#saving = saving;
    this.#unsaved = undefined;
    this.#saved = volatile.snapshots
      .save(snapshot, this.#retry())
      .then((saved) => this.#onSaved(saved, saving))
      .catch(onBroken);
  }

  #onSaved(saved: Saved, { hasEnd }: Saving): void {
    const { events } = this.#deps;
    this.#saving = undefined;
    if (this.#isStopped) return;
    if (saved.kind !== 'stored') {
      this.#onUnsaved(saved);
      return;
    }
    events.onSnapshot({ kind: 'taken', bytes: saved.bytes, purgedBelow: 0 });
    this.#isEndSaved ||= hasEnd;
    const owed = this.#owed;
    this.#owed = undefined;
    if (owed !== undefined) this.#save(owed);
    else if (!this.#isEnding) this.#deps.onSettled({ kind: 'stored', seq: this.#deps.chain.lastSeq });
  }

  #onUnsaved(saved: Exclude<Saved, { kind: 'stored' }>): void {
    const { events, onOvertaken, onSettled } = this.#deps;
    if (saved.kind === 'overtaken') {
      events.onSnapshot({ kind: 'refused' });
      onOvertaken();
    } else if (saved.kind === 'invalid') {
      events.onSnapshot({ kind: 'unavailable', cause: saved.cause });
      if (!this.#isEnding) onSettled(saved satisfies Settled);
    }
  }

  #retry() {
    const { ports, events, chain } = this.#deps;
    const { clock, random } = ports;
    return {
      clock,
      random,
      isOver: () => this.#isStopped,
      onTrouble: events.onTrouble,
      onFull: (cause: string) => chain.onFull(cause),
    };
  }
}
