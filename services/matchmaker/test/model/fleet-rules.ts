/** What must hold of every run of the fleet, checked while it goes on. */

import type { GameEntry, SimHost } from '@breakwater/bus';
import type { MoveCause } from '../../src/domain/mover.ts';
import { isOpen } from '../../src/domain/registry.ts';
import type { RepinCause } from '../../src/domain/repinner.ts';
import type { Calm } from './calm.ts';
import { LIMITS, type Tuning } from './limits.ts';
import type { BucketWrite } from './model-bucket.ts';
import type { MatchmakerEvents, ModelMatchmaker } from './model-matchmaker.ts';
import type { ModelNats } from './model-nats.ts';
import type { ModelSim } from './model-sim.ts';

export const NATS = 'nats';
/** Nobody who was heard this lately is taken for gone: more than all the heartbeats that may be missed. */
export const HEARD_MS = LIMITS.heartbeatMs * (LIMITS.missedHeartbeats + 1);
/** A game without an owner waits for an attempt no longer than this. */
const ATTEMPT_MS = 3_000;
/** A game whose creation is under way is left to the replica that began it for so long. */
const STARTING_MS = LIMITS.startingWaitMs + LIMITS.heartbeatMs * 2;
/** Who has been well for so long is known to be well. */
const KNOWN_MS = 5_000;
/** A cause holds for so long. */
const CAUSE_MS = 15_000;

export interface Stage {
  readonly nats: ModelNats;
  readonly calm: Calm;
  readonly tuning: Tuning;
  sims(): readonly ModelSim[];
  matchmakers(): readonly ModelMatchmaker[];
  nowMs(): number;
}

/** How often what happened, so that runs in which nothing happens are noticed. */
export interface Counts {
  repins: number;
  moves: number;
  claims: number;
  gone: number;
  leaders: number;
}

interface Ask {
  readonly matchmaker: ModelMatchmaker;
  readonly game: string;
}

export class FleetRules implements MatchmakerEvents {
  readonly violations: string[] = [];
  readonly counts: Counts = { repins: 0, moves: 0, claims: 0, gone: 0, leaders: 0 };
  /** Requests to processes, the newest last. */
  readonly sent: { readonly pod: string; readonly verb: string; readonly request: object }[] = [];
  readonly #stage: Stage;
  readonly #asks = new Set<Ask>();
  /** Since when a game has neither owner nor attempt. */
  readonly #orphans = new Map<string, number>();
  readonly #causes = new Map<string, number>();
  readonly #begun = new Map<ModelMatchmaker, number[]>();

  constructor(stage: Stage) {
    this.#stage = stage;
    stage.nats.games.onWrite = (write) => this.#onEntry(write);
    stage.nats.leader.onWrite = ({ before, after }) => {
      if (before?.nonce !== after?.nonce) this.counts.leaders += 1;
    };
    stage.nats.onLogFault = (fault) => this.#fault(fault);
  }

  /** Somebody may want this game elsewhere from now on. */
  cause(game: string): void {
    this.#causes.set(game, this.#stage.nowMs());
  }

  onAsk(matchmaker: ModelMatchmaker, pod: string, verb: string, request: object): () => void {
    if (verb !== 'list') this.sent.push({ pod, verb, request });
    if (verb === 'host') this.#onHost(matchmaker, pod, request as SimHost);
    if (verb !== 'host' && verb !== 'release') return () => undefined;
    const ask = { matchmaker, game: (request as SimHost).game };
    this.#asks.add(ask);
    return () => void this.#asks.delete(ask);
  }

  onAct(matchmaker: ModelMatchmaker, act: 'repin' | MoveCause, game: string): void {
    if (act === 'operator') return;
    const pastMs = this.#stage.nowMs() - matchmaker.provenMs;
    if (pastMs >= LIMITS.leaderLimitMs)
      this.#fault(`${matchmaker.name} began a ${act} of ${game} and led ${pastMs} ms ago`);
    if (act === 'rebalance') this.cause(game);
  }

  onRepin(matchmaker: ModelMatchmaker, game: string, _cause: RepinCause, outcome: string): void {
    if (outcome === 'hosted') this.counts.repins += 1;
    const nowMs = this.#stage.nowMs();
    const { repinsPerSecond, maxRepins } = this.#stage.tuning;
    const lately = (this.#begun.get(matchmaker) ?? []).filter((atMs) => nowMs - atMs < 1_000);
    lately.push(nowMs);
    this.#begun.set(matchmaker, lately);
    // A second's worth that was saved up, this second's, and those that were under way before it.
    if (lately.length > repinsPerSecond * 2 + maxRepins)
      this.#fault(`${matchmaker.name} pinned ${lately.length} games again in one second, ${game} the last`);
  }

  onMove(_matchmaker: ModelMatchmaker, _game: string, _cause: MoveCause, outcome: string): void {
    if (outcome === 'moved') this.counts.moves += 1;
  }

  onGone(matchmaker: ModelMatchmaker, pod: string): void {
    this.counts.gone += 1;
    const wellMs = this.#stage.calm.audibleMs(pod, NATS, matchmaker.name);
    if (wellMs > HEARD_MS) this.#fault(`${matchmaker.name} takes ${pod} for gone, which is well`);
  }

  onError(error: unknown): void {
    this.#fault(`something was thrown: ${String(error)}`);
  }

  /** Now and then. */
  look(): void {
    for (const { game, state } of this.#stage.nats.games.values()) {
      const isWaiting = isOpenState(state) && this.ownerOf(game) === undefined && !this.#isAsked(game);
      if (!isWaiting) this.#orphans.delete(game);
      else this.#lookAtOrphan(game, state === 'starting');
    }
  }

  /** The process that hosts the game at its log's claim, and runs. */
  ownerOf(game: string): ModelSim | undefined {
    const { epoch } = this.#stage.nats.logOf(game);
    if (epoch === 0) return undefined;
    return this.#stage.sims().find((sim) => !sim.isDead && !sim.isPaused && sim.epochOf(game) === epoch);
  }

  #lookAtOrphan(game: string, isStarting: boolean): void {
    const { calm, tuning, nowMs } = this.#stage;
    const sinceMs = this.#orphans.get(game) ?? nowMs();
    this.#orphans.set(game, sinceMs);
    if (tuning.repinsPerSecond < 10) return;
    const waitedMs = Math.min(nowMs() - sinceMs, calm.forMs(NATS), this.#helpMs(), this.#roomMs());
    if (waitedMs <= ATTEMPT_MS + (isStarting ? STARTING_MS : 0)) return;
    this.#fault(`nobody tries to host ${game} since ${waitedMs} ms`);
    this.#orphans.set(game, nowMs());
  }

  /** How long a matchmaker has been there that could act, and every other one was well or stood still. */
  #helpMs(): number {
    const { calm } = this.#stage;
    const all = this.#stage.matchmakers();
    const isStill = ({ isDead, isPaused }: ModelMatchmaker) => isDead || isPaused;
    if (all.every(isStill)) return 0;
    return Math.min(...all.map(({ name }) => calm.forMs(`${name} as it is`)));
  }

  #roomMs(): number {
    const { calm } = this.#stage;
    const roomy = this.#stage
      .sims()
      .filter(({ isDead, isPaused, hasRoom }) => !isDead && !isPaused && hasRoom);
    return Math.max(0, ...roomy.map(({ name }) => calm.forMs(name)));
  }

  #isAsked(game: string): boolean {
    return [...this.#asks].some(
      (ask) => ask.game === game && !ask.matchmaker.isDead && !ask.matchmaker.isPaused,
    );
  }

  #onHost(matchmaker: ModelMatchmaker, pod: string, { game, epoch }: SimHost): void {
    const { nats, calm, nowMs } = this.#stage;
    const log = nats.logOf(game);
    if (epoch > log.epoch + 1) this.#fault(`${epoch} of ${game} was handed out, the log is at ${log.epoch}`);
    const owner = this.ownerOf(game);
    if (owner === undefined || owner.name === pod || owner.isDraining || epoch <= log.epoch) return;
    const isKnown = calm.forMs(NATS, owner.name, matchmaker.name) > KNOWN_MS;
    const isWanted = nowMs() - (this.#causes.get(game) ?? Number.NEGATIVE_INFINITY) < CAUSE_MS;
    if (isKnown && !isWanted)
      this.#fault(`${matchmaker.name} gives ${game} to ${pod}, and ${owner.name} is well`);
  }

  #onEntry({ key, before, after }: BucketWrite<GameEntry>): void {
    const { epoch } = this.#stage.nats.logOf(key);
    if (after === undefined) {
      if (before !== undefined && isOpen(before) && epoch > 0) this.#fault(`the entry of ${key} was removed`);
      return;
    }
    if (after.epoch > epoch) this.#fault(`the registry has ${key} at ${after.epoch}, its log at ${epoch}`);
    if (before === undefined) return;
    if (after.epoch < before.epoch) this.#fault(`${key} went back from ${before.epoch} to ${after.epoch}`);
    if (!isOpen(before) && isOpen(after)) this.#fault(`${key} was over and is open again`);
    const { claim } = this.#stage.nats.logOf(key);
    if (before.pod !== after.pod && after.epoch === epoch && after.pod !== claim?.pod)
      this.#fault(`the registry has ${key} on ${after.pod}, which ${claim?.pod} has claimed`);
  }

  #fault(sentence: string): void {
    this.violations.push(`${this.#stage.nowMs()} ms: ${sentence}`);
  }
}

const isOpenState = (state: GameEntry['state']): boolean => state !== 'ended' && state !== 'failed';
