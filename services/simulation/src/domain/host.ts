/** The games of one process: taken in within limits, ticked, given up. No game can harm another here. */

import type { HostedGame, SimHost, SimHosted, SimWarm, SimWarmed } from '@breakwater/bus';
import { type GameDetails, GameFactory } from './game-factory.ts';
import type { GameTypes } from './game-types.ts';
import { hostAnew } from './host-anew.ts';
import type { GameWire, HostObserver, HostOptions, HostPorts } from './host-types.ts';
import { type HostingResult, hostGame } from './hosting.ts';
import { Owner } from './owner.ts';
import type { OwnerEvents, StopReason } from './owner-types.ts';
import { type Cancel, type OwnerPorts, sleep } from './ports.ts';
import { dropUnlessRejoined } from './rejoins.ts';
import type { Report } from './report.ts';
import type { TickSchedule } from './schedule.ts';
import { TailChecks } from './tail-checks.ts';
import { hostVolatileGame, tryVolatileGame } from './volatile-hosting.ts';
import { WarmGames } from './warm-games.ts';

/** Of what went wrong with a game, in the words that travel. */
const MAX_REASON = 200;
const RETIRE_LOOK_MS = 20;
/** Of the time for a hosting: that the same process may take to give the game up before. */
const REHOSTING_SHARE = 0.5;

interface Hosted {
  readonly game: string;
  readonly owner: Owner;
  readonly type: string;
  readonly schemaVersion: number;
  readonly isVolatile: boolean;
  /** What it was taken in with. */
  readonly request: SimHost;
  readonly periodMs: number;
  wire: GameWire | undefined;
  stopTicks: Cancel | undefined;
  readonly stopWaiting: Cancel;
}

/** It threw where it was hosted before. */
interface Restart {
  readonly detail: string;
  /** Of the claim, which may be in the log since an earlier try. */
  readonly nonce: string;
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
  readonly #warm: WarmGames;
  readonly #tailChecks: TailChecks;
  #isDraining = false;

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
    this.#tailChecks = new TailChecks(options.tailChecks);
    this.#warm = new WarmGames(ports, observer, { ...options.warm, loadTimeoutMs: options.hostTimeoutMs });
  }

  /** Hosts nothing, and is about to host nothing. */
  get isEmpty(): boolean {
    return this.#games.size + this.#opening.size === 0;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get warmGames(): number {
    return this.#warm.size;
  }

  owners(): readonly Owner[] {
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
  host(request: SimHost): Promise<SimHosted> {
    return this.#host(request);
  }

  async #host(request: SimHost, restart?: Restart): Promise<SimHosted> {
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
    const opening = known === undefined ? this.#open(request, restart) : this.#reopen(known, request);
    const result = opening.finally(() => this.#opening.delete(game));
    this.#opening.set(game, { epoch, result });
    return result;
  }

  /** It is here already, at an earlier epoch. */
  async #reopen({ owner, isVolatile }: Hosted, request: SimHost): Promise<SimHosted> {
    // What a committed game has shown is in its log; a volatile one would fall back although nobody died.
    if (isVolatile) await this.#release(owner, this.#options.hostTimeoutMs * REHOSTING_SHARE);
    else owner.stop('superseded');
    return this.#open(request);
  }

  /** Loads a game that is to be hosted here soon, and keeps it near its log's tail. */
  async warm({ game, type, schemaVersion }: SimWarm): Promise<SimWarmed> {
    if (this.#games.has(game) || this.#opening.has(game)) return { outcome: 'warm' };
    const result = await this.#warmUp(game, this.#factoryOf(game, type, schemaVersion));
    this.#observer.onWarming(result.refusal ?? 'warm');
    return result;
  }

  /**
   * Gives a game up in order, for another process to take it over: commits what it has and answers the sequence of
   * its last record. `undefined` when it is not hosted here at that epoch.
   */
  async release(game: string, epoch: number): Promise<number | undefined> {
    const owner = this.#games.get(game)?.owner;
    return owner?.epoch === epoch ? this.#release(owner, this.#options.hostTimeoutMs) : undefined;
  }

  /** Takes no further game in; those that are hosted go on. */
  beginDrain(): void {
    this.#isDraining = true;
    this.#warm.clear();
  }

  /** At once: nothing is appended any more, and nothing that is not committed is kept. */
  abandonAll(): void {
    this.beginDrain();
    for (const owner of this.owners()) owner.stop('shutdown');
  }

  /** Commits and snapshots all games; `signal` cuts off what is not done by then. */
  async leaveAll(signal: AbortSignal): Promise<void> {
    this.beginDrain();
    const opening = Promise.allSettled(Array.from(this.#opening.values(), ({ result }) => result));
    await Promise.race([opening, aborted(signal)]);
    await Promise.all(Array.from(this.owners(), (owner) => owner.leave('shutdown', signal)));
  }

  /** Ends the games of versions that are over; resolves when that is done, or cut off by `signal`. */
  async retire(
    reason: string,
    isOver: (type: string, schemaVersion: number) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const over = [...this.#games.values()].filter((each) => isOver(each.type, each.schemaVersion));
    for (let left = over; left.length > 0 && !signal.aborted; ) {
      for (const { owner } of left) owner.retire(reason);
      await sleep(this.#ports.clock, RETIRE_LOOK_MS);
      left = left.filter((each) => this.#games.get(each.game) === each);
    }
  }

  /** Messages were missed: another process may have taken games without a word that was heard here. */
  onGap(): void {
    this.#tailChecks.checkAll(this.#ports.clock.monotonicMs());
  }

  /** Now and then. */
  housekeep(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    this.#tailChecks.look(this.owners(), nowMs);
    for (const owner of this.owners()) owner.housekeep(nowMs);
  }

  /** In order if that is done in time, else as it is. */
  async #release(owner: Owner, withinMs: number): Promise<number> {
    const cancel = this.#ports.clock.after(withinMs, () => owner.stop('released'));
    const seq = await owner.leave('released');
    cancel();
    return seq;
  }

  #hasRoom(game: string): boolean {
    const others = ({ size }: { readonly size: number }, isIn: boolean) => size - (isIn ? 1 : 0);
    const warmOthers = others(this.#warm, this.#warm.has(game));
    const taken = this.#games.size + others(this.#opening, this.#opening.has(game)) + warmOthers;
    return !this.#isDraining && taken < this.#options.maxGames;
  }

  async #warmUp(game: string, factory: GameFactory | undefined): Promise<SimWarmed> {
    if (factory === undefined) return { outcome: 'refused', refusal: 'unknown_game_type' };
    if (!this.#hasRoom(game)) return { outcome: 'refused', refusal: 'no_capacity' };
    if (factory.definition.durability === 'committed') return this.#warm.warm(game, factory);
    // There is nothing to keep up with: what counts is the snapshot that its owner takes when it gives the game up.
    return tryVolatileGame({ ports: this.#ports.portsOf(game), factory, ...this.#patience(game) });
  }

  #factoryOf(game: string, type: string, schemaVersion: number): GameFactory | undefined {
    const definition = this.#types.get(type);
    if (definition?.schemaVersion !== schemaVersion) return undefined;
    return new GameFactory(definition, this.#observer.onHookError(game), this.#options.maxStateBytes);
  }

  async #open(request: SimHost, restart?: Restart): Promise<SimHosted> {
    const { game, type, schemaVersion } = request;
    if (restart === undefined && !this.#hasRoom(game))
      return this.#count({ outcome: 'refused', refusal: 'no_capacity', epoch: 0 });
    const factory = this.#factoryOf(game, type, schemaVersion);
    if (factory === undefined)
      return this.#count({ outcome: 'refused', refusal: 'unknown_game_type', epoch: 0 });
    const ports = this.#ports.portsOf(game);
    const result = await this.#claim(request, factory, ports, restart);
    if (result.kind === 'refused') {
      const { refusal, epoch, detail } = result;
      return this.#count({ outcome: 'refused', refusal, epoch, ...(detail !== undefined && { detail }) });
    }
    this.#begin(request, factory, ports, result);
    return this.#count({ outcome: 'hosted', epoch: request.epoch });
  }

  async #claim(
    request: SimHost,
    factory: GameFactory,
    ports: OwnerPorts,
    restart: Restart | undefined,
  ): Promise<HostingResult> {
    const { game, epoch, tailSeq, options, seed } = request;
    const { pod, owner } = this.#options;
    const details: GameDetails = { options, seed };
    const nonce = restart?.nonce ?? this.#ports.nonce();
    const deps = { pod, ports, factory, nonce, epoch, details, ...this.#patience(game) };
    if (factory.definition.durability === 'committed')
      return hostGame({ ...deps, warm: await this.#warm.take(game, factory), tailSeq });
    return hostVolatileGame({
      ...deps,
      details: { ...details, durability: 'volatile' },
      live: this.#ports.live(game),
      restart: restart && { detail: restart.detail, maxPerMinute: owner.maxRestartsPerMinute },
    });
  }

  /** How long the streams are asked for one game, and who hears of it. */
  #patience(game: string) {
    const { clock, random } = this.#ports;
    const deadlineMs = clock.monotonicMs() + this.#options.hostTimeoutMs;
    const isOver = () => clock.monotonicMs() >= deadlineMs;
    const onTrouble = (cause: string) => this.#observer.onTrouble(game, cause);
    const onBadStart = (problem: string) => this.#observer.onBadStart(game, problem);
    return { retry: { clock, random, isOver, onTrouble }, onBadStart };
  }

  #begin(
    request: SimHost,
    factory: GameFactory,
    ports: OwnerPorts,
    result: HostingResult & { kind: 'hosted' },
  ): void {
    const { game } = request;
    const { type, schemaVersion, tickHz, durability } = factory.definition;
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
      isVolatile: durability === 'volatile',
      request,
      periodMs: 1_000 / tickHz,
      wire: undefined,
      stopTicks: undefined,
      stopWaiting:
        durability === 'volatile'
          ? dropUnlessRejoined(this.#ports.clock, this.#options.rejoinMs, result.game.instance, (input) =>
              owner.receive(input),
            )
          : () => undefined,
    };
    this.#games.set(game, hosted);
    hosted.wire = this.#ports.wire(game, owner);
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
      if (owner.tick(nowMs)) this.#observer.onTick(this.#ports.clock.monotonicMs() - nowMs);
    };
    hosted.stopTicks ??= this.#schedule.add(periodMs, tick, (ticks) => this.#observer.onSkippedTicks(ticks));
  }

  #onStopped(hosted: Hosted, reason: StopReason, detail: string | undefined): void {
    const { game, owner } = hosted;
    hosted.stopTicks?.();
    hosted.wire?.close();
    hosted.stopWaiting();
    if (this.#games.get(game) === hosted) this.#games.delete(game);
    if (reason === 'ended' || reason === 'failed') this.#sayOver(hosted, owner.epoch, reason, detail);
    this.#observer.onStopped(game, owner.epoch, reason, detail);
    if (reason !== 'restarted') return;
    this.#hostAnew(hosted, detail ?? reason).catch((error: unknown) =>
      this.#observer.onTrouble(game, `it cannot be hosted anew: ${String(error)}`),
    );
  }

  async #hostAnew(hosted: Hosted, detail: string): Promise<void> {
    const { game, request, owner } = hosted;
    const { clock, nonce } = this.#ports;
    const next = owner.epoch + 1;
    const answer = await hostAnew(
      {
        clock,
        nonce,
        host: (epoch, nonce) => this.#host({ ...request, epoch }, { detail, nonce }),
        isSettled: () => this.#isDraining || this.#games.has(game) || this.#opening.has(game),
      },
      next,
    );
    if (answer?.refusal === 'failed') this.#sayOver(hosted, Math.max(next, answer.epoch), 'failed', detail);
  }

  #sayOver(
    { game, type, schemaVersion }: Hosted,
    epoch: number,
    state: 'ended' | 'failed',
    detail: string | undefined,
  ): void {
    const reason = detail?.slice(0, MAX_REASON);
    const line = { game, epoch, type, schemaVersion, players: 0, state };
    this.#report.over({ ...line, ...(reason !== undefined && { reason }) });
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
