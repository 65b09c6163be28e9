import type { GameEntry } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Hosting, Hostings } from './hostings.ts';
import type { Fleet, SimProcess } from './liveness.ts';
import { assertOpen, type Pinning } from './pinning.ts';
import { isHostable, type Place, type PlacementRule, placesFor } from './placement.ts';
import type { SimPort } from './ports.ts';
import type { Registrar } from './registrar.ts';

/** Why a game is moved: its process drains, is too slow, or an operator asked for it. */
export type MoveCause = 'drain' | 'rebalance' | 'operator';

export interface MoverLimits {
  readonly placement: PlacementRule;
  /** Processes that are asked to warm one game up before the move is given up. */
  readonly maxHostAttempts: number;
}

export interface MoverParts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly registrar: Registrar;
  readonly pinning: Pinning;
  readonly sims: SimPort;
  readonly limits: MoverLimits;
  readonly onMove: (game: string, cause: MoveCause, outcome: string) => void;
}

/**
 * Moves games between processes that are well: the successor loads the game and follows its log, the owner commits and
 * gives it up, the successor claims. Whoever stops in between leaves a game that nobody hosts, or one that is warm in
 * vain: the first is found and pinned again, the second is forgotten by its process.
 */
export class Mover {
  readonly #parts: MoverParts;
  readonly #moving = new Map<string, Promise<GameEntry>>();

  constructor(parts: MoverParts) {
    this.#parts = parts;
  }

  isMoving(game: string): boolean {
    return this.#moving.has(game);
  }

  /** Games that are moved right now. */
  get running(): number {
    return this.#moving.size;
  }

  /**
   * Moves the game to the process `to`, or to the best other one.
   * @returns the entry with the process that hosts the game then
   * @throws ProtocolError `game_not_found`, `game_ended`, `game_failed`, `bad_request` (no such process),
   *   `unknown_game_type`, `no_capacity`, `busy` (it is being moved), `unavailable`
   */
  async move(game: string, cause: MoveCause, to?: string): Promise<GameEntry> {
    if (this.#moving.has(game)) throw new ProtocolError('busy', 'The game is being moved already.');
    const { onMove } = this.#parts;
    const move = this.#move(game, to).finally(() => this.#moving.delete(game));
    this.#moving.set(game, move);
    try {
      const moved = await move;
      onMove(game, cause, 'moved');
      return moved;
    } catch (error) {
      onMove(game, cause, error instanceof ProtocolError ? error.code : 'internal');
      throw error;
    }
  }

  /** Resolves when the moves that are under way have ended, well or not. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#moving.values());
  }

  /** Processes that a game could be moved to from `pod`. */
  placesBeside(pod: string, entry: GameEntry): Place[] {
    const { fleet, limits } = this.#parts;
    const isEnding = fleet.live().some(({ status }) => status.pod === pod && status.isDraining);
    // In a rollout the fullest process is likely the next that ends.
    const rule: PlacementRule = isEnding ? { ...limits.placement, policy: 'spread' } : limits.placement;
    return placesFor(entry, this.#others(pod), rule);
  }

  async #move(game: string, to: string | undefined): Promise<GameEntry> {
    const { registrar, pinning } = this.#parts;
    const entry = (await registrar.read(game))?.entry;
    if (entry === undefined) throw new ProtocolError('game_not_found');
    assertOpen(entry);
    const hosting = pinning.hostingOf(game);
    if (hosting === undefined) throw new ProtocolError('unavailable', 'No process hosts the game right now.');
    if (hosting.pod === to) return entry;
    const owned = { ...entry, epoch: Math.max(entry.epoch, hosting.line.epoch) };
    const place = await this.#warm(owned, this.#choices(hosting.pod, owned, to));
    await pinning.handOver(game, () => this.#handOver(hosting, owned, place));
    return pinning.ensureHosted((await registrar.read(game))?.entry ?? owned);
  }

  #choices(from: string, entry: GameEntry, to: string | undefined): Place[] {
    const places = this.placesBeside(from, entry);
    const choices = to === undefined ? places : places.filter(({ pod }) => pod === to);
    if (choices.length > 0) return choices;
    const candidates = this.#others(from).filter(({ status }) => to === undefined || status.pod === to);
    if (to !== undefined && candidates.length === 0)
      throw new ProtocolError('bad_request', 'There is no such simulation process.');
    if (candidates.length > 0 && !isHostable(entry, candidates)) throw new ProtocolError('unknown_game_type');
    const why =
      to === undefined ? undefined : 'That process takes no games: it is full, drains or is cordoned.';
    throw new ProtocolError('no_capacity', why);
  }

  #others(pod: string): SimProcess[] {
    return this.#parts.fleet.live().filter(({ status }) => status.pod !== pod);
  }

  /** The first of the places whose process has the game warm. */
  async #warm({ game, type }: GameEntry, places: readonly Place[]): Promise<Place> {
    let isFull = true;
    for (const place of places.slice(0, this.#parts.limits.maxHostAttempts)) {
      const request = { game, type, schemaVersion: place.schemaVersion };
      this.#parts.fleet.handOut(place.pod);
      const answer = await this.#parts.sims.warm(place.pod, request);
      if (typeof answer === 'object' && answer.outcome === 'warm') return place;
      isFull &&= typeof answer === 'object' && answer.refusal === 'no_capacity';
    }
    throw new ProtocolError(isFull ? 'no_capacity' : 'unavailable');
  }

  /** An owner that does not answer is passed over: the claim stops it, wherever it was. */
  async #handOver({ pod, line }: Hosting, entry: GameEntry, place: Place): Promise<GameEntry> {
    const { sims, hostings, pinning } = this.#parts;
    const current = pinning.hostingOf(entry.game);
    if (current?.pod !== pod || current.line.epoch !== line.epoch)
      throw new ProtocolError('unavailable', 'The game changed hands meanwhile.');
    const released = await sims.release(pod, { game: entry.game, epoch: line.epoch });
    if (released === 'refused') {
      await pinning.confirm(entry);
      throw new ProtocolError('unavailable', 'Its process would not give the game up.');
    }
    hostings.forget(pod, entry.game);
    const tailSeq = typeof released === 'object' ? released.seq : undefined;
    const result = await pinning.handTo(place, entry, tailSeq);
    return typeof result === 'string' ? entry : result;
  }
}
