/** The games of one process: taken in within limits, ticked, given up. No game can harm another here. */

import type { HostedGame, SimHost, SimHosted } from '@breakwater/bus';
import type { OnHookError } from './game-factory.ts';
import { type GameDetails, GameFactory } from './game-factory.ts';
import type { GameTypes } from './game-types.ts';
import { type HostingResult, hostGame } from './hosting.ts';
import { Owner } from './owner.ts';
import type { OwnerEvents, OwnerOptions, StopReason } from './owner-types.ts';
import type { Cancel, ClockPort, OwnerPorts } from './ports.ts';
import type { Report } from './report.ts';
import type { TickSchedule } from './schedule.ts';

/** The inputs and the feed of one game, delivered to its owner. */
export interface GameWire {
  /** Also hear the game's own feed: only needed while it has players. */
  setFeed(isOn: boolean): void;
  close(): void;
}

export interface HostPorts {
  portsOf(game: string): OwnerPorts;
  wire(game: string, owner: Owner): GameWire;
  /** Different at every call. */
  nonce(): string;
  readonly clock: ClockPort;
  readonly random: () => number;
}

/** What goes into metrics and logs. */
export interface HostObserver {
  ownerEvents(game: string): Omit<OwnerEvents, 'onJoined' | 'onState' | 'onStopped'>;
  onHookError(game: string): OnHookError;
  onTick(ms: number): void;
  onSkippedTicks(ticks: number): void;
  onHosting(result: 'hosted' | NonNullable<SimHosted['refusal']>): void;
  onStopped(game: string, epoch: number, reason: StopReason, detail: string | undefined): void;
  onBadStart(game: string, problem: string): void;
  onTrouble(game: string, cause: string): void;
}

export interface HostOptions {
  readonly pod: string;
  readonly maxGames: number;
  /** Loading and claiming one game, in ms. */
  readonly hostTimeoutMs: number;
  /** Largest full state of any game. */
  readonly maxStateBytes: number;
  readonly owner: OwnerOptions;
}

/** Of what went wrong with a game, in the words that travel. */
const MAX_REASON = 200;

interface Hosted {
  readonly game: string;
  readonly owner: Owner;
  readonly type: string;
  readonly schemaVersion: number;
  readonly periodMs: number;
  wire: GameWire | undefined;
  stopTicks: Cancel | undefined;
}

interface Opening {
  readonly epoch: number;
  readonly result: Promise<SimHosted>;
}

export class Host {
  readonly #ports: HostPorts;
  readonly #types: GameTypes;
  readonly #options: HostOptions;
  readonly #schedule: TickSchedule;
  readonly #report: Report;
  readonly #observer: HostObserver;
  readonly #games = new Map<string, Hosted>();
  readonly #opening = new Map<string, Opening>();
  isDraining = false;

  constructor(
    ports: HostPorts,
    types: GameTypes,
    schedule: TickSchedule,
    report: Report,
    observer: HostObserver,
    options: HostOptions,
  ) {
    this.#ports = ports;
    this.#types = types;
    this.#schedule = schedule;
    this.#report = report;
    this.#observer = observer;
    this.#options = options;
  }

  get size(): number {
    return this.#games.size;
  }

  owners(): Iterable<Owner> {
    return Array.from(this.#games.values(), ({ owner }) => owner);
  }

  lines(): HostedGame[] {
    return Array.from(this.#games.values(), ({ game, owner, type, schemaVersion }) => ({
      game,
      epoch: owner.epoch,
      type,
      schemaVersion,
      players: owner.players,
      state: owner.state,
    }));
  }

  /** Takes a game in, or says why not. A second request for the same epoch gets the answer of the first. */
  async host(request: SimHost): Promise<SimHosted> {
    const { game, epoch } = request;
    for (let opening = this.#opening.get(game); opening !== undefined; opening = this.#opening.get(game)) {
      if (opening.epoch === epoch) return opening.result;
      await opening.result;
    }
    const known = this.#games.get(game);
    if (known !== undefined && known.owner.epoch === epoch) return { outcome: 'hosted', epoch };
    if (known !== undefined && known.owner.epoch > epoch) {
      return this.#count({ outcome: 'refused', refusal: 'claimed', epoch: known.owner.epoch });
    }
    known?.owner.stop('superseded');
    const result = this.#open(request).finally(() => this.#opening.delete(game));
    this.#opening.set(game, { epoch, result });
    return result;
  }

  /** Gives a game up in order. `undefined` when it is not hosted here at that epoch. */
  async release(game: string, epoch: number): Promise<number | undefined> {
    const owner = this.#games.get(game)?.owner;
    return owner?.epoch === epoch ? await owner.leave('released') : undefined;
  }

  /** Commits and snapshots all games; `signal` cuts off what is not done by then. */
  async leaveAll(signal: AbortSignal): Promise<void> {
    this.isDraining = true;
    const opening = Promise.allSettled(Array.from(this.#opening.values(), ({ result }) => result));
    await Promise.race([opening, aborted(signal)]);
    await Promise.all(Array.from(this.owners(), (owner) => owner.leave('shutdown', signal)));
  }

  /** Now and then. */
  housekeep(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const { owner, wire } of [...this.#games.values()]) {
      owner.housekeep(nowMs);
      wire?.setFeed(owner.players > 0);
    }
  }

  async #open(request: SimHost): Promise<SimHosted> {
    const definition = this.#types.get(request.type);
    if (this.isDraining || this.#games.size + this.#opening.size >= this.#options.maxGames) {
      return this.#count({ outcome: 'refused', refusal: 'no_capacity', epoch: 0 });
    }
    if (definition === undefined || definition.schemaVersion !== request.schemaVersion) {
      return this.#count({ outcome: 'refused', refusal: 'unknown_game_type', epoch: 0 });
    }
    const { game } = request;
    const factory = new GameFactory(
      definition,
      this.#observer.onHookError(game),
      this.#options.maxStateBytes,
    );
    const ports = this.#ports.portsOf(game);
    const result = await this.#claim(request, factory, ports);
    if (result.kind === 'refused') {
      const { refusal, epoch, detail } = result;
      return this.#count({ outcome: 'refused', refusal, epoch, ...(detail !== undefined && { detail }) });
    }
    this.#begin(game, factory, ports, result);
    return this.#count({ outcome: 'hosted', epoch: request.epoch });
  }

  #claim(request: SimHost, factory: GameFactory, ports: OwnerPorts): Promise<HostingResult> {
    const { clock, random } = this.#ports;
    const { game, epoch } = request;
    const details: GameDetails = { options: request.options, seed: request.seed };
    const deadlineMs = clock.monotonicMs() + this.#options.hostTimeoutMs;
    return hostGame({
      pod: this.#options.pod,
      ports,
      factory,
      nonce: this.#ports.nonce(),
      epoch,
      details,
      retry: {
        clock,
        random,
        isOver: () => clock.monotonicMs() >= deadlineMs,
        onTrouble: (cause) => this.#observer.onTrouble(game, cause),
      },
      onBadStart: (problem) => this.#observer.onBadStart(game, problem),
    });
  }

  #begin(
    game: string,
    factory: GameFactory,
    ports: OwnerPorts,
    result: HostingResult & { kind: 'hosted' },
  ): void {
    const { type, schemaVersion, tickHz } = factory.definition;
    const { pod, owner: options } = this.#options;
    const events: OwnerEvents = {
      ...this.#observer.ownerEvents(game),
      onJoined: (user) => this.#report.joined(game, user),
      onState: () => this.#setTicks(hosted),
      onStopped: (reason, detail) => this.#onStopped(hosted, reason, detail),
    };
    const owner = new Owner({ pod, ports, factory, game: result.game, options, events });
    const hosted: Hosted = {
      game,
      owner,
      type,
      schemaVersion,
      periodMs: 1_000 / tickHz,
      wire: undefined,
      stopTicks: undefined,
    };
    this.#games.set(game, hosted);
    hosted.wire = this.#ports.wire(game, owner);
    hosted.wire.setFeed(owner.players > 0);
    this.#setTicks(hosted);
  }

  #setTicks(hosted: Hosted): void {
    const { owner, periodMs } = hosted;
    if (!owner.isTicking) {
      hosted.stopTicks?.();
      hosted.stopTicks = undefined;
      return;
    }
    const tick = (nowMs: number) => {
      owner.tick(nowMs);
      this.#observer.onTick(this.#ports.clock.monotonicMs() - nowMs);
    };
    hosted.stopTicks ??= this.#schedule.add(periodMs, tick, (ticks) => this.#observer.onSkippedTicks(ticks));
  }

  #onStopped(hosted: Hosted, reason: StopReason, detail: string | undefined): void {
    const { game, owner, type, schemaVersion } = hosted;
    hosted.stopTicks?.();
    hosted.wire?.close();
    if (this.#games.get(game) === hosted) this.#games.delete(game);
    if (reason === 'ended' || reason === 'failed') {
      const line = { game, epoch: owner.epoch, type, schemaVersion, players: 0, state: reason };
      this.#report.over({ ...line, ...(detail !== undefined && { reason: detail.slice(0, MAX_REASON) }) });
    }
    this.#observer.onStopped(game, owner.epoch, reason, detail);
  }

  #count(result: SimHosted): SimHosted {
    this.#observer.onHosting(result.refusal ?? 'hosted');
    return result;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
