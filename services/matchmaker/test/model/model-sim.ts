/** A simulation process as matchmakers see it. It follows the rule of claims, appends, and tells what it hosts. */

import {
  digestOf,
  type HostedGame,
  podId,
  type SimHost,
  type SimHosted,
  type SimRelease,
  type SimReleased,
  type SimStatus,
  type SimVerb,
  type SimWarm,
  type SimWarmed,
  subjectsFor,
} from '@breakwater/bus';
import { ModelClient } from '@breakwater/testkit';
import type { GameLog, LogRecord } from './game-log.ts';
import { type ModelNats, Refused } from './model-nats.ts';
import { ModelReport } from './model-report.ts';

export const TYPE = 'lab';
export const VERSION = 1;
const HEARTBEAT_MS = 300;
const APPEND_EVERY_MS = 500;
const APPEND_TIMEOUT_MS = 400;
const HOST_TIMEOUT_MS = 1_800;
const RETRY_MS = 50;
/** Between the word that it drains and its end, at most. */
const HAND_OVER_MS = 5_000;
const DRAIN_LOOK_MS = 50;
const subjects = subjectsFor(1);

interface Hosted {
  readonly epoch: number;
  readonly nonce: string;
  seq: number;
  players: number;
  isAppending: boolean;
}

interface Opening {
  readonly epoch: number;
  readonly result: Promise<SimHosted>;
}

export interface SimSetup {
  readonly name: string;
  readonly incarnation: string;
  readonly nats: ModelNats;
  readonly random: () => number;
  readonly maxGames: number;
  readonly nonce: () => string;
  readonly onLostHeartbeat: (pod: string) => void;
  /** It drained and is no more. */
  readonly onLeft: (sim: ModelSim) => void;
}

export class ModelSim extends ModelClient {
  readonly #setup: SimSetup;
  readonly #report = new ModelReport();
  readonly #games = new Map<string, Hosted>();
  readonly #opening = new Map<string, Opening>();
  readonly #warm = new Set<string>();
  #n = 0;
  isDraining = false;
  /** Ticks take too long. */
  isSlow = false;
  /** Loading a game takes this much longer, ms. */
  loadMs = 0;
  /** Heartbeats that get lost from now on. */
  lostHeartbeats = 0;

  constructor(setup: SimSetup) {
    const { name, nats } = setup;
    super(name, nats);
    this.#setup = setup;
    const on = <T>(verb: SimVerb, serve: (request: T) => Promise<unknown>) =>
      nats.respond(subjects.sim(podId(name), verb), {
        link: this.link,
        serve: (request) => serve(request as T),
      });
    on<SimHost>('host', (request) => this.#host(request));
    on<SimWarm>('warm', (request) => this.#warmUp(request));
    on<SimRelease>('release', (request) => this.#release(request));
    on<object>('list', async () => ({ games: this.lines() }));
    nats.claims.hear(this.link, ({ game, epoch }) => {
      if ((this.#games.get(game)?.epoch ?? epoch) < epoch) this.#games.delete(game);
    });
    this.#publish();
    this.clock.every(HEARTBEAT_MS, () => this.#publish());
    this.clock.every(APPEND_EVERY_MS, () => {
      for (const [game, hosted] of this.#games) void this.#append(game, hosted, 'delta');
    });
  }

  lines(): HostedGame[] {
    return Array.from(this.#games, ([game, { epoch, players }]) => {
      return { game, epoch, type: TYPE, schemaVersion: VERSION, players, state: 'running' };
    });
  }

  epochOf(game: string): number | undefined {
    return this.#games.get(game)?.epoch;
  }

  get hasRoom(): boolean {
    return !this.isDraining && this.#games.size + this.#opening.size < this.#setup.maxGames;
  }

  /** Somebody takes a seat. */
  seat(game: string, user: string): void {
    const hosted = this.#games.get(game);
    if (hosted === undefined || this.isPaused) return;
    hosted.players += 1;
    this.#report.joined(game, user);
  }

  /** The game is over by its own rules. */
  async end(game: string): Promise<void> {
    const hosted = this.#games.get(game);
    if (hosted === undefined || this.isPaused) return;
    if (await this.#append(game, hosted, 'end')) this.#over(game, hosted);
  }

  /** It cannot go on with this game, and only its heartbeat tells. */
  giveUp(game: string): void {
    if (!this.isPaused) this.#games.delete(game);
  }

  /** As Kubernetes ends a pod: the games go on until others have them, or the time is over. */
  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    this.#warm.clear();
    this.#publish();
    const untilMs = this.clock.monotonicMs() + HAND_OVER_MS;
    const look = () => {
      const isEmpty = this.#games.size + this.#opening.size === 0;
      if (!isEmpty && this.clock.monotonicMs() < untilMs) return void this.clock.after(DRAIN_LOOK_MS, look);
      this.#games.clear();
      this.#publish(true);
      this.#setup.onLeft(this);
    };
    look();
  }

  #publish(isLeaving = false): void {
    const { name: pod, link } = this;
    if (!link.isConnected) return;
    const { incarnation, maxGames, nats } = this.#setup;
    const games = this.lines();
    const status: SimStatus = {
      pod,
      incarnation,
      n: this.#n++,
      types: [{ type: TYPE, schemaVersion: VERSION, maxPlayers: 10 }],
      games: games.length,
      maxGames,
      load: 0,
      tickP99Ms: this.isSlow ? 90 : 1,
      digest: digestOf(games),
      isDraining: this.isDraining,
      isLeaving,
      changed: this.#report.next(games),
    };
    if (this.lostHeartbeats > 0) {
      this.lostHeartbeats -= 1;
      this.#setup.onLostHeartbeat(pod);
    } else link.up(() => nats.statuses.say(status));
  }

  async #host(request: SimHost): Promise<SimHosted> {
    const { game, epoch } = request;
    for (let opening = this.#opening.get(game); opening !== undefined; opening = this.#opening.get(game)) {
      if (opening.epoch === epoch) return opening.result;
      await opening.result;
    }
    const known = this.#games.get(game);
    if (known?.epoch === epoch) return { outcome: 'hosted', epoch };
    if (known !== undefined && known.epoch > epoch) return claimed(known.epoch);
    this.#games.delete(game);
    const result = this.#open(request).finally(() => this.#opening.delete(game));
    this.#opening.set(game, { epoch, result });
    return result;
  }

  async #open({ game, epoch, tailSeq }: SimHost): Promise<SimHosted> {
    if (!this.hasRoom) return { outcome: 'refused', refusal: 'no_capacity', epoch: 0 };
    const nonce = this.#setup.nonce();
    const untilMs = this.clock.monotonicMs() + HOST_TIMEOUT_MS;
    const log = this.#setup.nats.logOf(game);
    if (!this.#warm.delete(game)) await this.#sleep(5 + this.#setup.random() * 100 + this.loadMs);
    // What was followed up to there is known to be of a lower epoch, and the append proves that it is the tail.
    const named = tailSeq === undefined ? undefined : log.at(tailSeq);
    let expectedSeq = named !== undefined && isBehind(named, epoch) ? tailSeq : undefined;
    while (this.clock.monotonicMs() < untilMs) {
      const step = await this.#claim(log, { kind: 'claim', epoch, nonce, pod: this.name }, expectedSeq);
      if (typeof step === 'object') return step;
      if (step !== undefined) {
        this.#games.set(game, { epoch, nonce, seq: step, players: 0, isAppending: false });
        return { outcome: 'hosted', epoch };
      }
      expectedSeq = undefined;
      await this.#sleep(RETRY_MS);
    }
    return { outcome: 'refused', refusal: 'unavailable', epoch: 0 };
  }

  /** The claim's sequence, why it cannot be, or undefined when that is not known yet. */
  async #claim(log: GameLog, claim: LogRecord, named: number | undefined) {
    try {
      const expectedSeq = named ?? (await this.#expectedBy(log, claim));
      if (typeof expectedSeq === 'object') return expectedSeq;
      if (log.at(expectedSeq)?.nonce === claim.nonce) return expectedSeq;
      return await this.#ask<number | undefined>((answer) => answer(log.append(claim, expectedSeq)));
    } catch {
      return undefined;
    }
  }

  async #expectedBy(log: GameLog, { epoch, nonce }: LogRecord): Promise<SimHosted | number> {
    const { tail, seq } = await this.#ask<{ tail: LogRecord | undefined; seq: number }>((answer) =>
      answer({ tail: log.tail, seq: log.tailSeq }),
    );
    if (tail?.kind === 'end') return { outcome: 'refused', refusal: 'ended', epoch: tail.epoch };
    if (tail !== undefined && tail.nonce !== nonce && tail.epoch >= epoch) return claimed(tail.epoch);
    return seq;
  }

  async #warmUp({ game }: SimWarm): Promise<SimWarmed> {
    if (this.#games.has(game) || this.#opening.has(game)) return { outcome: 'warm' };
    if (!this.hasRoom) return { outcome: 'refused', refusal: 'no_capacity' };
    await this.#sleep(5 + this.#setup.random() * 100 + this.loadMs);
    this.#warm.add(game);
    return { outcome: 'warm' };
  }

  async #release({ game, epoch }: SimRelease): Promise<SimReleased> {
    const hosted = this.#games.get(game);
    if (hosted?.epoch !== epoch) throw new Refused();
    const untilMs = this.clock.monotonicMs() + HOST_TIMEOUT_MS;
    while (!(await this.#append(game, hosted, 'delta')) && this.clock.monotonicMs() < untilMs)
      await this.#sleep(RETRY_MS);
    this.#drop(game, hosted);
    return { seq: hosted.seq };
  }

  /** One record at a time; what a refusal means is read from the log. False: not stored, or not known to be. */
  async #append(game: string, hosted: Hosted, kind: 'delta' | 'end'): Promise<boolean> {
    if (hosted.isAppending || this.#games.get(game) !== hosted) return false;
    hosted.isAppending = true;
    const log = this.#setup.nats.logOf(game);
    const { epoch, nonce } = hosted;
    try {
      const record = { kind, epoch, nonce, pod: this.name };
      const stored = await this.#ask<number | undefined>((answer) => answer(log.append(record, hosted.seq)));
      if (stored !== undefined) hosted.seq = stored;
      return stored !== undefined || (await this.#settle(game, hosted, log, kind));
    } catch {
      return await this.#settle(game, hosted, log, kind).catch(() => false);
    } finally {
      hosted.isAppending = false;
    }
  }

  async #settle(game: string, hosted: Hosted, log: GameLog, kind: LogRecord['kind']): Promise<boolean> {
    const { tail, seq } = await this.#ask<{ tail: LogRecord | undefined; seq: number }>((answer) =>
      answer({ tail: log.tail, seq: log.tailSeq }),
    );
    if (tail?.nonce !== hosted.nonce) {
      this.#drop(game, hosted);
      return false;
    }
    if (tail.kind === 'end') this.#over(game, hosted);
    const isStored = seq > hosted.seq && tail.kind === kind;
    hosted.seq = seq;
    return isStored;
  }

  #over(game: string, hosted: Hosted): void {
    if (this.#games.get(game) !== hosted) return;
    this.#games.delete(game);
    const line = { game, epoch: hosted.epoch, type: TYPE, schemaVersion: VERSION };
    this.#report.over({ ...line, players: 0, state: 'ended' });
  }

  #drop(game: string, hosted: Hosted): void {
    if (this.#games.get(game) === hosted) this.#games.delete(game);
  }

  #ask<T>(serve: (answer: (value: T) => void) => void): Promise<T> {
    return this.#setup.nats.ask(this, APPEND_TIMEOUT_MS, serve);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }
}

const claimed = (epoch: number): SimHosted => ({ outcome: 'refused', refusal: 'claimed', epoch });

const isBehind = (record: LogRecord, epoch: number): boolean => record.kind !== 'end' && record.epoch < epoch;
