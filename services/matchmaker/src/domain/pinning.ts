import type { GameEntry, SimHosted } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Hosting, Hostings } from './hostings.ts';
import type { Fleet } from './liveness.ts';
import { isHostable, type Place, type PlacementRule, placesFor } from './placement.ts';
import type { SimPort, Time } from './ports.ts';
import type { Registrar } from './registrar.ts';
import { isOpen, withEnd, withEpoch, withHost } from './registry.ts';

export interface PinningLimits {
  readonly placement: PlacementRule;
  /** Processes that are asked to host one game before the caller is told to come again. */
  readonly maxHostAttempts: number;
  /** How long a claim by somebody unknown may take to be reported, ms. */
  readonly claimReportMs: number;
}

interface Parts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly registrar: Registrar;
  readonly sims: SimPort;
  readonly time: Time;
  readonly limits: PinningLimits;
}

/** Why the last process that was asked did not take the game. */
type Miss = 'no_capacity' | 'unavailable';

/** Makes sure that a game is hosted: hands it to processes, one after the other, until one has claimed its log. */
export class Pinning {
  readonly #parts: Parts;
  readonly #inFlight = new Map<string, Promise<GameEntry>>();

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
    const attempt = this.#ensure(entry).finally(() => this.#inFlight.delete(entry.game));
    this.#inFlight.set(entry.game, attempt);
    return attempt;
  }

  isPinning(game: string): boolean {
    return this.#inFlight.has(game);
  }

  /** Asks the process that should host the game whether it does; what it says replaces what was heard. */
  async confirm(game: string): Promise<Hosting | undefined> {
    const { hostings, sims, fleet } = this.#parts;
    const heard = this.#liveHosting(game);
    if (heard === undefined) return undefined;
    const answer = await sims.list(heard.pod);
    if (answer === 'silent') return this.#liveHosting(game);
    if (answer === 'gone') {
      fleet.gone(heard.pod);
      hostings.drop(heard.pod);
    } else {
      hostings.replace(heard.pod, answer.games);
    }
    return this.#liveHosting(game);
  }

  async #ensure(first: GameEntry): Promise<GameEntry> {
    const { limits, fleet } = this.#parts;
    const tried = new Set<string>();
    let entry = first;
    let miss: Miss = 'no_capacity';
    for (let attempt = 0; attempt < limits.maxHostAttempts; attempt++) {
      assertOpen(entry);
      const hosted = await this.#adopt(entry);
      if (hosted !== undefined) return hosted;
      const place = this.#nextPlace(entry, tried);
      if (place === undefined) break;
      fleet.handOut(place.pod);
      const result = await this.#handTo(place, entry);
      if (typeof result === 'string') {
        miss = result;
        tried.add(place.pod);
      } else entry = result;
      const settled = await this.#adopt(entry);
      if (settled !== undefined) return settled;
    }
    throw new ProtocolError(miss);
  }

  #liveHosting(game: string): Hosting | undefined {
    const hosting = this.#parts.hostings.of(game);
    return hosting !== undefined && this.#parts.fleet.isLive(hosting.pod) ? hosting : undefined;
  }

  /** The entry with the live process that is known to host the game at the newest epoch. */
  async #adopt(entry: GameEntry): Promise<GameEntry | undefined> {
    const hosting = this.#liveHosting(entry.game);
    if (hosting === undefined || hosting.line.epoch < entry.epoch) return undefined;
    return this.#change(entry, (now) => withHost(now, hosting.pod, hosting.line.epoch, this.#unixMs()));
  }

  #nextPlace(entry: GameEntry, tried: ReadonlySet<string>): Place | undefined {
    const processes = this.#parts.fleet.live();
    const places = placesFor(entry, processes, this.#parts.limits.placement);
    const next = places.find(({ pod }) => !tried.has(pod));
    if (next === undefined && processes.length > 0 && !isHostable(entry, processes))
      throw new ProtocolError('unknown_game_type');
    return next;
  }

  async #handTo(place: Place, entry: GameEntry): Promise<GameEntry | Miss> {
    const { game, type, schemaVersion, options, seed } = entry;
    const epoch = entry.epoch + 1;
    const request = { game, epoch, type, schemaVersion, options, seed };
    const answer = await this.#parts.sims.host(place.pod, request);
    if (answer === 'gone') {
      this.#parts.fleet.gone(place.pod);
      this.#parts.hostings.drop(place.pod);
      return 'unavailable';
    }
    if (answer === 'silent') return 'unavailable';
    if (answer.outcome === 'refused') return this.#onRefusal(entry, answer);
    const line = { game, epoch: answer.epoch, type, schemaVersion, players: 0, state: 'running' } as const;
    const heard = this.#parts.hostings.of(game);
    if (heard === undefined || heard.line.epoch < answer.epoch)
      this.#parts.hostings.change(place.pod, [line]);
    return this.#change(entry, (now) => withHost(now, place.pod, answer.epoch, this.#unixMs()));
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
        throw new ProtocolError('bad_options');
      case 'no_capacity':
        return 'no_capacity';
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
    await this.#untilReported(entry.game, epoch);
    return adopted;
  }

  async #untilReported(game: string, epoch: number): Promise<void> {
    const { time, limits } = this.#parts;
    const endMs = time.monotonicMs() + limits.claimReportMs;
    while (time.monotonicMs() < endMs) {
      const hosting = this.#liveHosting(game);
      if (hosting !== undefined && hosting.line.epoch >= epoch) return;
      await new Promise<void>((resolve) => time.after(Math.max(10, limits.claimReportMs / 20), resolve));
    }
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
