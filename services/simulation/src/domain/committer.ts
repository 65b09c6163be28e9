/** Turns what changed into records, and lets out what belongs to a record when that record is stored. */

import { encodeGameRecord, type Snapshot } from '@breakwater/bus';
import { type Award, type GameInstance, hashParts } from '@breakwater/game-kit';
import { isStateFit, snapshotOf } from './captured.ts';
import type { Chain } from './chain.ts';
import type { Commits } from './commits.ts';
import type { GameDetails, GameFactory } from './game-factory.ts';
import type { OwnerEvents, OwnerOptions } from './owner-types.ts';
import type { OwnerPorts } from './ports.ts';
import { CapturedReplies, type Waiting } from './replies.ts';
import type { Restarts } from './restarts.ts';
import type { Settled } from './settle.ts';
import { takeSnapshot } from './snapshots.ts';
import { Verifier } from './verifier.ts';
import { WaitingAsks, type WaitingAsksDeps } from './waiting-asks.ts';

export interface CommitterDeps extends WaitingAsksDeps {
  readonly pod: string;
  readonly ports: OwnerPorts;
  readonly factory: GameFactory;
  readonly details: GameDetails;
  readonly chain: Chain;
  readonly restarts: Restarts;
  readonly replayedRecords: number;
  readonly options: OwnerOptions;
  readonly events: OwnerEvents;
  /** Awards that a stored record gave. */
  readonly onAwards: (awards: readonly Award[]) => void;
  /** After every append, when it is certain what became of it. */
  readonly onSettled: (settled: Settled) => void;
  /** What follows an append threw: nothing that was built on it is to be trusted. */
  readonly onBroken: (error: unknown) => void;
}

/** What an append sets free once it is stored. */
interface Flight {
  readonly startedMs: number;
  readonly bytes: number;
  readonly replies: CapturedReplies | undefined;
  readonly snapshot: Omit<Snapshot, 'logSeq'> | undefined;
  readonly awards: readonly Award[];
  readonly isRestart: boolean;
}

export class Committer implements Commits {
  readonly maxAheadMs: number;
  readonly #deps: CommitterDeps;
  readonly #schema: string;
  readonly #verifier: Verifier | undefined;
  readonly #waiting: WaitingAsks;
  /** The first tick of a new owner appends, so that those who play see at once that the game goes on. */
  #lastAppendMs = Number.NEGATIVE_INFINITY;
  #recordsSinceSnapshot: number;
  #snapshotting: Promise<void> | undefined;
  #isStopped = false;

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
    this.maxAheadMs = deps.options.freezeAfterMs;
    this.#waiting = new WaitingAsks(deps);
    this.#recordsSinceSnapshot = deps.replayedRecords;
    this.#schema = JSON.stringify(deps.factory.definition.schema);
    this.#verifier = deps.options.verify ? new Verifier(deps.factory, deps.details) : undefined;
  }

  aheadMs(nowMs: number): number {
    return this.#deps.chain.waitingMs(nowMs);
  }

  /** What has to be stored is stored by the appends themselves. */
  keepUp(): void {}

  /** Owed committed state: the next append will carry it. */
  wait(waiting: Waiting): void {
    this.#waiting.add(waiting);
  }

  /** Those who are owed state and are in no append yet; they are owed nothing here any more. */
  takeWaiting(): readonly Waiting[] {
    return this.#waiting.take();
  }

  /** There is something that the log does not have, or somebody who waits for committed state. */
  hasNews(instance: GameInstance): boolean {
    return !this.#waiting.isEmpty || instance.hasChanges;
  }

  needsCommit(instance: GameInstance, nowMs: number): boolean {
    if (this.hasNews(instance)) return true;
    return nowMs - this.#lastAppendMs >= this.#deps.options.keepAliveMs && instance.players.connected > 0;
  }

  /**
   * Appends what changed. Only when nothing is in flight.
   * @throws when the record cannot be: the game's state is not to be trusted then
   */
  commit(instance: GameInstance, trace?: string, forceSnapshot = false): void {
    const { chain, options, ports, restarts } = this.#deps;
    const head = chain.nextHead;
    const awards = instance.nameAwards(head.epoch, head.n);
    const isRestart = restarts.isUnstored;
    const isWhole = instance.isMigrated;
    const parts = instance.encodeDelta();
    this.#verifier?.check(instance, parts);
    const hasHash = head.n % options.hashEveryRecords === 0;
    const hasSnapshot = forceSnapshot || isWhole || this.#isSnapshotDue();
    const isWanted = hasHash || hasSnapshot || this.#waiting.wantState;
    const state = isWanted ? instance.encodeState() : undefined;
    const hash = state !== undefined && (hasHash || hasSnapshot) ? hashParts(state) : undefined;
    const bytes = encodeGameRecord({
      kind: 'delta',
      ...head,
      tick: parts.tick,
      ...(hash !== undefined && hasHash && { hash }),
      ...(isRestart && { isRestart }),
      ...(isWhole && { isWhole }),
      parts,
    });
    if (bytes.length > options.maxRecordBytes) {
      throw new RangeError(`a delta takes ${bytes.length} bytes, more than ${options.maxRecordBytes}`);
    }
    const isFit = state === undefined || isStateFit(this.#deps, instance, state, () => this.takeWaiting());
    this.#send(bytes, trace, {
      startedMs: ports.clock.monotonicMs(),
      bytes: bytes.length,
      replies:
        isFit && !this.#waiting.isEmpty
          ? new CapturedReplies(this.takeWaiting(), instance, state)
          : undefined,
      snapshot:
        isFit && hasSnapshot && state !== undefined && hash !== undefined
          ? snapshotOf(this.#deps, head, state, hash)
          : undefined,
      awards,
      isRestart,
    });
  }

  commitEnd(reason: string): void {
    const { chain, ports } = this.#deps;
    const bytes = encodeGameRecord({ kind: 'end', ...chain.nextHead, reason });
    const startedMs = ports.clock.monotonicMs();
    this.#send(bytes, undefined, {
      startedMs,
      bytes: bytes.length,
      replies: undefined,
      snapshot: undefined,
      awards: [],
      isRestart: false,
    });
  }

  /** Resolves when neither an append nor a snapshot is on its way. */
  async idle(): Promise<void> {
    await this.#deps.chain.idle();
    await this.#snapshotting;
  }

  /** The instance was replaced. */
  reset(): void {
    this.#verifier?.reset();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.take();
  }

  #isSnapshotDue(): boolean {
    const { snapshotEveryRecords } = this.#deps.options;
    return this.#recordsSinceSnapshot + 1 >= snapshotEveryRecords && this.#snapshotting === undefined;
  }

  #send(bytes: Uint8Array, trace: string | undefined, flight: Flight): void {
    const { chain, onBroken } = this.#deps;
    chain
      .append(bytes, trace)
      .then((settled) => this.#onSettled(settled, flight))
      .catch(onBroken);
  }

  #onSettled(settled: Settled, flight: Flight): void {
    const { events, ports, onSettled } = this.#deps;
    if (this.#isStopped) return;
    const nowMs = ports.clock.monotonicMs();
    events.onAppend(settled.kind, nowMs - flight.startedMs, flight.bytes);
    if (settled.kind === 'stored') {
      this.#lastAppendMs = nowMs;
      this.#recordsSinceSnapshot += 1;
      this.#release(settled.seq, flight);
    }
    onSettled(settled);
  }

  #release(seq: number, { replies, snapshot, awards, isRestart }: Flight): void {
    const { chain, pod, restarts, onAwards } = this.#deps;
    if (isRestart) restarts.stored();
    onAwards(awards);
    if (replies !== undefined)
      this.#waiting.release(replies, { epoch: chain.epoch, seq, pod, schema: this.#schema });
    if (snapshot === undefined || this.#snapshotting !== undefined) return;
    this.#recordsSinceSnapshot = 0;
    this.#snapshotting = this.#takeSnapshot({ ...snapshot, logSeq: seq });
  }

  async #takeSnapshot(snapshot: Snapshot): Promise<void> {
    const { ports, events } = this.#deps;
    const retry = {
      clock: ports.clock,
      random: ports.random,
      isOver: () => this.#isStopped,
      onTrouble: events.onTrouble,
    };
    const result = await takeSnapshot({ log: ports.log, snapshots: ports.snapshots, retry }, snapshot);
    this.#snapshotting = undefined;
    events.onSnapshot(result);
  }
}
