import type { GameEntry, SimHost, SimHosted } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Hosting, Hostings } from './hostings.ts';
import type { Fleet } from './liveness.ts';
import { isHostable, type Place, type PlacementRule, placesFor } from './placement.ts';
import type { SimPort, Time } from './ports.ts';
import type { Registrar } from './registrar.ts';
import { type Claim, isOpen, withEnd, withEpoch, withHost } from './registry.ts';

export interface PinningLimits {
  readonly placement: PlacementRule;
  /** Processes that are asked to host one game before the caller is told to come again. */
  readonly maxHostAttempts: number;
  /** How long a claim by somebody unknown may take to be reported, ms. */
  readonly claimReportMs: number;
  /** No game that had an owner gets a lower epoch than this. */
  readonly epochFloor: number;
}

interface Parts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly registrar: Registrar;
  readonly sims: SimPort;
  readonly time: Time;
  readonly limits: PinningLimits;
}

/** Why a process that was asked did not take the game; `unavailable`: as far as is known. */
export type Miss = 'no_capacity' | 'bad_options' | 'unavailable';

/** Makes sure that a game is hosted: hands it to processes, one after the other, until one has claimed its log. */
export class Pinning {
  readonly #parts: Parts;
  readonly #inFlight = new Map<string, Promise<GameEntry>>();
  /** The newest epoch of a game that was handed to a process which then was lost: it may have been claimed. */
  readonly #lostHandOuts = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * The entry of the game, hosted. Calls for the same game share one attempt.
   * @throws ProtocolError `game_ended`, `game_failed`, `game_not_found`, `bad_options`, `unknown_game_type`,
   *   `no_capacity`, `unavailable`
   */
  ensureHosted(entry: GameEntry): Promise<GameEntry> {
    const running = this.#inFlight.get(entry.game);
    if (running !== undefined) return running;
    return this.handOver(entry.game, () =>
      this.#ensure(entry).finally(() => this.#lostHandOuts.delete(entry.game)),
    );
  }

  isPinning(game: string): boolean {
    return this.#inFlight.has(game);
  }

  /** While `task` hands the game over, whoever wants it hosted waits for that. */
  handOver(game: string, task: () => Promise<GameEntry>): Promise<GameEntry> {
    const before = this.#inFlight.get(game) ?? Promise.resolve();
    const attempt = before.then(task, task).finally(() => {
      if (this.#inFlight.get(game) === attempt) this.#inFlight.delete(game);
    });
    this.#inFlight.set(game, attempt);
    return attempt;
  }

  /** The live process that is known to host the game. */
  hostingOf(game: string): Hosting | undefined {
    const hosting = this.#parts.hostings.of(game);
    return hosting !== undefined && this.#parts.fleet.isLive(hosting.pod) ? hosting : undefined;
  }

  /**
   * Asks the process that should host the game whether it does; what it says replaces what was heard. `silent`: it is
   * there, and did not say; `away`: nobody listens for it, and it was heard too lately to be taken for gone.
   */
  async confirm({ game, pod: registered }: GameEntry): Promise<Hosting | 'silent' | 'away' | undefined> {
    const { hostings, sims, fleet } = this.#parts;
    const pod = this.hostingOf(game)?.pod ?? registered;
    if (pod === undefined || !fleet.isLive(pod)) return undefined;
    const answer = await sims.list(pod);
    if (answer === 'silent') return this.hostingOf(game) ?? 'silent';
    if (answer === 'gone') {
      if (!fleet.unanswered(pod)) return this.hostingOf(game) ?? 'away';
    } else if (fleet.isLive(pod)) hostings.replace(pod, answer.games);
    return this.hostingOf(game);
  }

  /** Waits until a live process is heard to host the game at this epoch or a higher one, `waitMs` at most. */
  async untilHosted(game: string, epoch: number, waitMs: number): Promise<void> {
    const { time } = this.#parts;
    const endMs = time.monotonicMs() + waitMs;
    while (time.monotonicMs() < endMs) {
      if ((this.hostingOf(game)?.line.epoch ?? 0) >= epoch) return;
      await new Promise<void>((resolve) => time.after(Math.max(10, waitMs / 20), resolve));
    }
  }

  /**
   * Hands the game to one process, at the epoch above the entry's, or at the floor of epochs. `tailSeq` is the sequence
   * of its log's last record, where the owner before has told it.
   * @returns the entry with what was learned, hosted there or not, or why the process did not take it
   */
  async handTo(place: Place, entry: GameEntry, tailSeq?: number): Promise<GameEntry | Miss> {
    const { fleet, hostings } = this.#parts;
    const { game, type, options, seed } = entry;
    const { pod, schemaVersion } = place;
    const epoch = this.#epochAbove(entry);
    const tail = tailSeq === undefined ? {} : { tailSeq };
    const answer = await this.#askHost(pod, { game, epoch, type, schemaVersion, options, seed, ...tail });
    if (answer === 'gone') fleet.unanswered(pod);
    if (answer === 'gone' || answer === 'silent') return 'unavailable';
    if (answer.outcome === 'refused') return this.#onRefusal(entry, answer);
    const { players } = entry;
    const line = { game, epoch: answer.epoch, type, schemaVersion, players, state: 'running' } as const;
    const heard = hostings.of(game);
    const isNews = heard === undefined || heard.line.epoch < answer.epoch;
    if (isNews && fleet.isLive(pod)) hostings.change(pod, [line]);
    return this.#claimed(entry, { pod, epoch: answer.epoch, schemaVersion });
  }

  async #ensure(first: GameEntry): Promise<GameEntry> {
    const tried = new Set<string>();
    let entry = first;
    let miss: Miss = 'no_capacity';
    for (let attempt = 0; attempt < this.#parts.limits.maxHostAttempts; attempt++) {
      assertOpen(entry);
      const hosted = await this.#adopt(entry);
      if (hosted !== undefined) return hosted;
      const place = this.#nextPlace(entry, tried);
      if (place === undefined) break;
      this.#parts.fleet.handOut(place.pod);
      const result = await this.handTo(place, entry);
      if (typeof result === 'string') {
        // One that said nothing may have claimed it, whatever the next ones say.
        if (miss !== 'unavailable') miss = result;
        if (result === 'bad_options') break;
        tried.add(place.pod);
      } else entry = result;
      const settled = await this.#adopt(entry);
      if (settled !== undefined) return settled;
    }
    throw new ProtocolError(miss);
  }

  /** The entry with the live process that is known to host the game at the newest epoch. */
  async #adopt(entry: GameEntry): Promise<GameEntry | undefined> {
    const hosting = this.hostingOf(entry.game);
    if (hosting === undefined || hosting.line.epoch < entry.epoch) return undefined;
    return this.#claimed(entry, { pod: hosting.pod, ...hosting.line });
  }

  #claimed(entry: GameEntry, claim: Omit<Claim, 'node'>): Promise<GameEntry> {
    const { pod, epoch, schemaVersion } = claim;
    const node = this.#parts.fleet.nodeOf(pod);
    return this.#change(entry, (now) => withHost(now, { pod, node, epoch, schemaVersion }, this.#unixMs()));
  }

  #nextPlace(entry: GameEntry, tried: ReadonlySet<string>): Place | undefined {
    const processes = this.#parts.fleet.live();
    const places = placesFor(entry, processes, this.#parts.limits.placement);
    const next = places.find(({ pod }) => !tried.has(pod));
    // A game that was played waits for the next process of its kind: the one that it had may just have been lost.
    const isNew = entry.epoch === 0;
    if (next === undefined && isNew && processes.length > 0 && !isHostable(entry, processes))
      throw new ProtocolError('unknown_game_type');
    return next;
  }

  /** A new game begins at 1, as its log is allowed to be empty then. */
  #epochAbove({ epoch }: GameEntry): number {
    return epoch === 0 ? 1 : Math.max(epoch + 1, this.#parts.limits.epochFloor);
  }

  /** A process that is lost while it loads the game is not waited for. */
  async #askHost(pod: string, request: SimHost): Promise<SimHosted | 'gone' | 'silent'> {
    const { fleet, sims } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<'silent'>();
    const cancel = fleet.onGone(pod, () => {
      this.#lostHandOuts.set(request.game, request.epoch);
      resolve('silent');
    });
    return Promise.race([sims.host(pod, request), promise]).finally(cancel);
  }

  async #onRefusal(entry: GameEntry, answer: SimHosted): Promise<GameEntry | Miss> {
    const detail = answer.detail ?? '';
    switch (answer.refusal) {
      case 'claimed':
        return this.#onClaimed(entry, answer.epoch);
      case 'ended':
        return this.#end(entry, 'ended', detail || 'ended');
      case 'log_lost':
      case 'failed':
        return this.#end(entry, 'failed', detail || answer.refusal);
      case 'bad_options':
      case 'no_capacity':
        return answer.refusal;
      case 'unknown_game_type':
      case 'unavailable':
      case undefined:
        return 'unavailable';
      default:
        return answer.refusal satisfies never;
    }
  }

  /** Another process has claimed the log. It is given a moment to say so before a higher epoch is handed out. */
  async #onClaimed(entry: GameEntry, epoch: number): Promise<GameEntry> {
    const adopted = await this.#change(entry, (now) => withEpoch(now, epoch, this.#unixMs()));
    const isOfLost = this.#lostHandOuts.get(entry.game) === epoch;
    if (!isOfLost) await this.untilHosted(entry.game, epoch, this.#parts.limits.claimReportMs);
    return adopted;
  }

  #end(entry: GameEntry, state: 'ended' | 'failed', reason: string): Promise<GameEntry> {
    return this.#change(entry, (now) => withEnd(now, state, reason, this.#unixMs()));
  }

  async #change(entry: GameEntry, change: (now: GameEntry) => GameEntry | undefined): Promise<GameEntry> {
    const result = await this.#parts.registrar.change(entry.game, change);
    if (result === undefined) throw new ProtocolError('game_not_found');
    return result.entry;
  }

  #unixMs(): number {
    return this.#parts.time.unixMs();
  }
}

/** @throws ProtocolError `game_ended`, `game_failed` */
export function assertOpen(entry: GameEntry): void {
  if (isOpen(entry)) return;
  throw new ProtocolError(entry.state === 'ended' ? 'game_ended' : 'game_failed');
}
