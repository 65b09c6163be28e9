/**
 * The owner of one game: applies what arrives, steps, and shows nothing that is not in the log.
 *
 * It runs ahead of the log in memory by at most `freezeAfterMs`; there is never more than one append in flight, and
 * what leaves the process (answers, snapshots, the end) leaves when the append that contains it is stored.
 */

import type { GameState } from '@breakwater/bus';
import type { Award, GameInstance } from '@breakwater/game-kit';
import type { Ask } from './ask-queue.ts';
import { AwardPoster } from './awards.ts';
import type { Chain } from './chain.ts';
import { isClaimAbove } from './claim.ts';
import type { Commits } from './commits.ts';
import { Committer } from './committer.ts';
import { Ending } from './ending.ts';
import { Freeze } from './freeze.ts';
import type { CommandInput } from './inbox.ts';
import type { NonCommand } from './inputs.ts';
import { Intake } from './intake.ts';
import { leaveInOrder } from './leaving.ts';
import {
  type Fate,
  fateAfterAppend,
  fateAfterReload,
  idleVerdict,
  type OwnerSetup,
  type Phase,
  stateOf,
} from './owner-phase.ts';
import type { StopReason } from './owner-types.ts';
import { type Reloaded, Reloader } from './reload.ts';
import type { Waiting } from './replies.ts';
import { RoomMaker } from './room-maker.ts';
import type { Settled } from './settle.ts';
import { VolatileCommitter } from './volatile-committer.ts';

export class Owner {
  readonly #setup: OwnerSetup;
  readonly #chain: Chain;
  readonly #intake: Intake;
  readonly #committer: Commits;
  readonly #reloader: Reloader;
  readonly #awards: AwardPoster;
  #phase: Phase = 'running';
  /** Absent while the game sleeps or is loaded. */
  #instance: GameInstance | undefined;
  #players = 0;
  readonly #freeze: Freeze;
  #sleptAtMs = 0;
  /** In a phase that ends with an append: it was sent. */
  #isLastSent = false;
  readonly #ending: Ending;
  readonly #stopped = Promise.withResolvers<void>();
  /** All who ask it to leave wait for the same. */
  #leaving: Promise<void> | undefined;
  /** The load after a throw. */
  #restarting: Promise<void> | undefined;

  constructor(setup: OwnerSetup) {
    const { game, options, events } = setup;
    this.#setup = setup;
    this.#chain = game.chain;
    this.#instance = game.instance;
    const limits = { maxInputs: options.maxInputs, maxAhead: options.maxCommandsAhead };
    const wait = (waiting: Waiting) => this.#committer.wait(waiting);
    this.#intake = new Intake(limits, events.onCommand, wait, game.volatile !== undefined);
    this.#ending = new Ending(options.maxInputs);
    this.#reloader = new Reloader({ ...setup, ...game, ...options, ...events });
    const committing = {
      ...setup,
      ...game,
      isAskedAgain: (ask: Ask) => this.#intake.isAskedAgain(ask),
      onAwards: (awards: readonly Award[]) => this.#awards.add(awards),
      onSettled: (settled: Settled) => this.#onSettled(settled),
      onBroken: (error: unknown) => this.#restart(error),
      onOvertaken: () => this.stop('overtaken'),
    };
    const { volatile } = game;
    this.#committer =
      volatile === undefined ? new Committer(committing) : new VolatileCommitter({ ...committing, volatile });
    this.#freeze = new Freeze(this.#committer.maxAheadMs, events);
    this.#awards = new AwardPoster({
      ...setup.ports,
      owner: game.chain,
      onPosted: (awards) => this.#onPosted(awards),
      onEmpty: () => this.#onAllPosted(),
      onOvertaken: () => this.stop('overtaken'),
      onTrouble: events.onAwardTrouble,
    });
    this.#awards.add(game.instance.awards());
    const isOver = () => this.#phase === 'stopped';
    const room = new RoomMaker({ ...setup, ...game, onSnapshot: events.onSnapshot, isOver });
    game.chain.onFull = (cause) => {
      if (!this.#freeze.isFull) events.onFull(cause);
      this.#freeze.isFull = true;
      // What a volatile game is cannot be worked out from its log.
      if (volatile === undefined) room.run();
    };
  }

  get epoch(): number {
    return this.#chain.epoch;
  }

  /** Sequence of its newest record that is certainly stored. */
  get lastSeq(): number {
    return this.#chain.lastSeq;
  }

  /** Seats taken. */
  get players(): number {
    if (this.#instance !== undefined) this.#players = this.#instance.players.seated;
    return this.#players;
  }

  /** The game is over, but its `end` has to wait until the ledger has all its awards. */
  get awaitsLedger(): boolean {
    return this.#phase === 'ending' && !this.#isLastSent && !this.#awards.isEmpty;
  }

  /** Awards that wait for the ledger. */
  get pendingAwards(): number {
    return this.#awards.size;
  }

  get state(): GameState {
    return stateOf(this.#phase, this.#ending.failure);
  }

  /** Wants `tick` called. */
  get isTicking(): boolean {
    return this.#phase === 'running';
  }

  /** Edges that hold players' connections. */
  edges(): Set<string> {
    return new Set(this.#instance?.sessions().map(({ edge }) => edge));
  }

  receive(input: NonCommand): void {
    if (this.#phase === 'stopped' || this.#phase === 'leaving') return;
    if (this.#phase === 'ending') {
      if ('answer' in input) this.#ending.hold(input.answer);
      return;
    }
    if (this.#phase === 'sleeping' && !('answer' in input)) return;
    this.#intake.offer(input);
    if (this.#phase === 'sleeping') void this.#load('waking');
  }

  command(command: CommandInput): void {
    if (this.#instance !== undefined) this.#intake.command(this.#instance, command);
  }

  /** A record of the game's feed: whoever claims a higher epoch has the game now. */
  hear(record: Uint8Array): void {
    if (isClaimAbove(record, this.epoch)) this.stop('superseded');
  }

  /** False when there is no tick to make: the game stands still, or has none now. */
  tick(nowMs: number): boolean {
    const instance = this.#instance;
    if (this.#phase !== 'running' || instance === undefined) return false;
    try {
      this.#committer.keepUp(instance, nowMs);
      if (this.#freeze.isFrozen(this.#committer.aheadMs(nowMs), nowMs)) return false;
      // The restart has to be in the log before the game gets another chance to throw, and nothing unstepped with it.
      if (this.#setup.game.restarts.isUnstored) {
        if (!this.#chain.isBusy) this.#commit(instance);
        return true;
      }
      this.#intake.drain(instance);
      instance.step();
      if (!this.#chain.isBusy) this.#afterStep(instance, nowMs);
    } catch (error) {
      this.#restart(error);
    }
    return true;
  }

  /** Now and then, also while asleep: a game that nobody came back to ends. */
  housekeep(nowMs: number): void {
    const { endAfterMs, sleepAfterMs } = this.#setup.factory.definition;
    if (this.#instance !== undefined) this.#intake.tidy(this.#instance);
    if (this.awaitsLedger) this.#ending.excuse(nowMs);
    if (this.#phase !== 'sleeping' || endAfterMs === 0) return;
    if (nowMs - this.#sleptAtMs + sleepAfterMs >= endAfterMs) this.#end('empty');
  }

  /** Looks whether its newest record is still the log's: who appends nothing learns nothing by being refused. */
  async checkTail(): Promise<void> {
    if (this.#phase !== 'stopped' && (await this.#chain.isOvertaken())) this.stop('overtaken');
  }

  /**
   * Gives the game up in order: commits what it has, and takes a snapshot when no other process waits for it.
   * Resolves with the sequence of its last record; `signal` gives up at once what is not settled by then.
   */
  async leave(reason: 'released' | 'shutdown', signal?: AbortSignal): Promise<number> {
    const stop = () => this.stop(reason);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    this.#leaving ??= this.#leaveInOrder(reason);
    await Promise.race([this.#leaving, this.#stopped.promise]);
    signal?.removeEventListener('abort', stop);
    stop();
    return this.lastSeq;
  }

  /**
   * Ends the game in order, as it would end itself. To be called until it has stopped: a game that is being loaded
   * cannot be ended yet.
   */
  retire(reason: string): void {
    if (this.#phase === 'running') this.#instance?.end(reason);
    else if (this.#phase === 'sleeping' || this.#phase === 'dozing') this.#end(reason);
  }

  /** At once: what is not committed is dropped, and nobody is told but the host. */
  stop(reason: StopReason, detail?: string): void {
    if (this.#phase === 'stopped') return;
    this.#phase = 'stopped';
    if (reason === 'failed') this.#ending.fail(detail ?? reason);
    this.#chain.abandon();
    this.#awards.stop();
    this.#committer.stop();
    this.#intake.clear();
    this.#instance = undefined;
    this.#stopped.resolve();
    this.#setup.events.onStopped(reason, detail);
  }

  #commit(instance: GameInstance, forceSnapshot = false): void {
    this.#committer.commit(instance, this.#intake.sending(), forceSnapshot);
  }

  async #leaveInOrder(reason: 'released' | 'shutdown'): Promise<void> {
    // That it threw has to be in the log: a game that throws always is not to wander on for ever.
    if (this.#phase === 'restarting') await this.#restarting;
    const isAwake = this.#phase === 'running' || this.#phase === 'dozing';
    if (this.#phase !== 'ending' && this.#phase !== 'stopped') this.#phase = 'leaving';
    await leaveInOrder(
      {
        chain: this.#chain,
        committer: this.#committer,
        intake: this.#intake,
        isVolatile: this.#setup.game.volatile !== undefined,
        instance: () => (isAwake ? this.#instance : undefined),
        isEnding: () => this.#phase === 'ending',
        isRestartOwed: () => this.#setup.game.restarts.isUnstored,
        onUnsaved: (error) => this.#setup.events.onRestart(error),
      },
      reason === 'shutdown',
    );
  }

  #afterStep(instance: GameInstance, nowMs: number): void {
    if (this.#committer.needsCommit(instance, nowMs)) this.#commit(instance);
    else if (instance.ended !== undefined && instance.pendingAwards === 0) this.#end(instance.ended);
    // Asleep or ended nobody would post what is still in the outbox.
    if (this.#phase !== 'running' || instance.pendingAwards > 0) return;
    const verdict = idleVerdict(instance);
    if (verdict === 'end') this.#end('empty');
    else if (verdict === 'doze') this.#doze();
  }

  /** No more ticks; asleep once a last append with a snapshot is stored. */
  #doze(): void {
    this.#phase = 'dozing';
    this.#isLastSent = false;
    this.#sendLast();
  }

  /** Asks for the `end` record; it is appended as soon as nothing else is on its way. */
  #end(reason: string, failure?: string): void {
    if (this.#phase === 'ending' || this.#phase === 'stopped') return;
    this.#phase = 'ending';
    this.#isLastSent = false;
    this.#ending.begin(this.#setup.ports.clock.monotonicMs(), reason, failure);
    this.#instance = undefined;
    for (const { input } of this.#committer.takeWaiting()) this.#ending.hold(input.answer);
    for (const answer of this.#intake.takeAnswers()) this.#ending.hold(answer);
    this.#sendLast();
  }

  /** The append that ends this phase. */
  #sendLast(): void {
    if (this.#chain.isBusy || (this.#phase === 'ending' && !this.#awards.isEmpty)) return;
    this.#isLastSent = true;
    try {
      if (this.#phase === 'ending') this.#committer.commitEnd(this.#ending.reason);
      else if (this.#instance !== undefined) this.#commit(this.#instance, true);
    } catch (error) {
      this.#restart(error);
    }
  }

  #onSettled(settled: Settled): void {
    this.#freeze.thaw(this.#setup.ports.clock.monotonicMs());
    if (settled.kind === 'stored') this.#onStored();
    else this.#meet(fateAfterAppend(settled));
  }

  #onStored(): void {
    this.#intake.stored();
    if (this.#phase !== 'dozing' && this.#phase !== 'ending') return;
    if (!this.#isLastSent) this.#sendLast();
    else if (this.#phase === 'ending') this.stop(...this.#ending.tell());
    else if (!this.#intake.isEmpty) this.#setPhase('running');
    else this.#sleep();
  }

  /** They leave the outbox with the next delta. */
  #onPosted(awards: readonly Award[]): void {
    for (const award of awards) this.#instance?.takeAward(award);
    this.#setup.events.onAwards(awards.length);
  }

  #onAllPosted(): void {
    if (this.#phase === 'ending' && !this.#isLastSent) this.#sendLast();
  }

  #sleep(): void {
    this.#players = this.players;
    this.#instance = undefined;
    this.#sleptAtMs = this.#setup.ports.clock.monotonicMs();
    this.#setPhase('sleeping');
  }

  /** The state in memory is not to be trusted: thrown away, and loaded again from what is stored. */
  #restart(error: unknown): void {
    if (this.#phase === 'stopped') return;
    this.#setup.events.onRestart(error);
    // Players may have seen what is not stored, so it goes on as after a crash: they hear of a new owner.
    if (this.#setup.game.volatile !== undefined && this.#phase !== 'ending' && this.#phase !== 'leaving') {
      this.stop('restarted', error instanceof Error ? error.message : String(error));
      return;
    }
    // Nothing may be built on what could not be stored.
    if (this.#phase === 'leaving') this.#instance = undefined;
    if (this.#phase === 'leaving' || this.#phase === 'restarting') return;
    if (this.#phase === 'ending') {
      this.stop('failed', String(error));
      return;
    }
    this.#committer.takeWaiting();
    this.#instance = undefined;
    this.#restarting = this.#load('restarting', error);
  }

  async #load(phase: 'restarting' | 'waking', error?: unknown): Promise<void> {
    this.#phase = phase;
    await this.#chain.idle();
    const isOver = () => this.#phase !== phase;
    if (isOver()) return;
    const isRestart = phase === 'restarting';
    if (isRestart) this.#intake.restore();
    const reloaded = await (isRestart
      ? this.#reloader.restart(error, isOver)
      : (this.#setup.game.volatile ?? this.#reloader).reload(isOver));
    if (!isOver()) this.#goOn(reloaded);
  }

  #goOn(reloaded: Reloaded): void {
    if (reloaded.kind !== 'loaded') {
      this.#meet(fateAfterReload(reloaded));
      return;
    }
    this.#instance = reloaded.instance;
    this.#awards.add(reloaded.instance.awards());
    this.#committer.reset();
    this.#intake.reset();
    this.#setPhase('running');
  }

  #meet(fate: Fate): void {
    if (fate.kind === 'stop') this.stop(fate.reason, fate.detail);
    else if (fate.kind === 'end') this.#end('', fate.detail);
    else if (fate.kind === 'restart') this.#restart(fate.error);
  }

  #setPhase(phase: Phase): void {
    this.#phase = phase;
    this.#setup.events.onState(this.state);
  }
}
