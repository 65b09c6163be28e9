import type { GameEntry, MatchQuick } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { KeyedLock } from '@breakwater/service-kit';
import type { Creation, Matched } from './creation.ts';
import type { Hostings } from './hostings.ts';
import { hostedLeaderFirst, type LeaderFirst } from './leader-first.ts';
import type { Fleet } from './liveness.ts';
import { isStranded } from './placement.ts';
import type { Time } from './ports.ts';
import type { Registrar } from './registrar.ts';
import { freeSeats, holdsSeat, isOpen, withSeat } from './registry.ts';

export interface QuickMatchLimits {
  /** How long a seat is held for a player that was matched, ms. */
  readonly seatHoldMs: number;
  /** Games that are tried for one request before it is told to come again. */
  readonly maxSeatAttempts: number;
}

export interface QuickMatchParts extends LeaderFirst {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly registrar: Registrar;
  readonly creation: Creation;
  readonly time: Time;
  readonly limits: LeaderFirst['limits'] & QuickMatchLimits;
  /** Lets one request of a type at a time look for a seat. */
  readonly turns: KeyedLock;
  readonly gameIdOf: (user: string, key: string) => string;
}

interface Seat {
  readonly entry: GameEntry;
  /** This call stored the entry and has to start the game. */
  readonly isNew: boolean;
}

/** Joins any game of a type that has a free seat, or makes one. */
export class QuickMatch {
  readonly #parts: QuickMatchParts;

  constructor(parts: QuickMatchParts) {
    this.#parts = parts;
  }

  /** @throws ProtocolError `unknown_game_type`, `no_capacity`, `busy`, … */
  async match(request: MatchQuick): Promise<Matched> {
    const { creation, turns } = this.#parts;
    const seat = await turns.run(request.type, () => this.#findSeat(request));
    if (seat.isNew) return { entry: await creation.start(seat.entry), isNew: true };
    if (seat.entry.state === 'starting')
      return { entry: await creation.whenStarted(seat.entry), isNew: false };
    return { entry: await hostedLeaderFirst(this.#parts, seat.entry), isNew: false };
  }

  /** One request of a type at a time, so that requests of one replica see each other's seats and creations. */
  async #findSeat(request: MatchQuick): Promise<Seat> {
    const own = this.#heldBy(request) ?? (await this.#createdBy(request));
    if (own !== undefined) return { entry: own, isNew: false };
    const { maxSeatAttempts } = this.#parts.limits;
    for (const candidate of this.#candidates(request.type).slice(0, maxSeatAttempts)) {
      const seated = await this.#takeSeat(candidate.game, request.user);
      if (seated !== undefined) return { entry: seated, isNew: false };
    }
    return this.#newGame(request);
  }

  #heldBy({ user, type }: MatchQuick): GameEntry | undefined {
    const unixMs = this.#parts.time.unixMs();
    for (const entry of this.#parts.mirror.entries(type))
      if (isOpen(entry) && holdsSeat(entry, user, unixMs) && this.#isPlayable(entry)) return entry;
    return undefined;
  }

  /** The game that an earlier try of this request made. */
  async #createdBy({ user, key, type }: MatchQuick): Promise<GameEntry | undefined> {
    const found = await this.#parts.registrar.read(this.#parts.gameIdOf(user, key));
    return found?.entry.type === type && isOpen(found.entry) ? found.entry : undefined;
  }

  /** Games with a free seat: hosted ones first, the fullest first, so that games fill up. */
  #candidates(type: string): GameEntry[] {
    const free = new Map<GameEntry, number>();
    for (const entry of this.#parts.mirror.entries(type)) {
      const seats = this.#freeSeats(entry);
      if (isOpen(entry) && seats > 0 && this.#isPlayable(entry)) free.set(entry, seats);
    }
    const isReady = (entry: GameEntry) => this.#isReady(entry);
    return [...free.keys()].sort(
      (a, b) =>
        Number(isReady(b)) - Number(isReady(a)) ||
        free.get(a)! - free.get(b)! ||
        a.createdAt - b.createdAt ||
        (a.game < b.game ? -1 : 1),
    );
  }

  async #takeSeat(game: string, user: string): Promise<GameEntry | undefined> {
    const { registrar, time, limits } = this.#parts;
    const result = await registrar.change(game, (entry) =>
      withSeat(entry, {
        user,
        holdMs: limits.seatHoldMs,
        unixMs: time.unixMs(),
        heardPlayers: this.#heardPlayers(game),
      }),
    );
    return result?.changed === true ? result.entry : undefined;
  }

  async #newGame(request: MatchQuick): Promise<Seat> {
    const { creation, registrar, gameIdOf, limits, time } = this.#parts;
    const { user, key, type } = request;
    const draft = creation.draft({ game: gameIdOf(user, key), user, type });
    const entry = { ...draft, seats: [{ user, untilMs: time.unixMs() + limits.seatHoldMs }] };
    if (await registrar.create(entry)) return { entry, isNew: true };
    const other = await registrar.read(entry.game);
    if (other === undefined || !isOpen(other.entry) || other.entry.type !== type)
      throw new ProtocolError('bad_request', 'The key was used for another game.');
    return { entry: other.entry, isNew: false };
  }

  #freeSeats(entry: GameEntry): number {
    return freeSeats(entry, this.#heardPlayers(entry.game), this.#parts.time.unixMs());
  }

  #heardPlayers(game: string): number | undefined {
    return this.#parts.hostings.of(game)?.line.players;
  }

  /** A lost game waits for its version, but nobody is made to wait with it where another version can be played. */
  #isPlayable(entry: GameEntry): boolean {
    const { fleet } = this.#parts;
    return this.#isReady(entry) || !fleet.isSettled || !isStranded(entry, fleet.live());
  }

  #isReady({ game, state }: GameEntry): boolean {
    if (state === 'starting') return true;
    const hosting = this.#parts.hostings.of(game);
    return hosting !== undefined && this.#parts.fleet.isLive(hosting.pod);
  }
}
