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
  /** The game that a user's key stands for, after so many that it stood for and that wait for a process. */
  readonly gameIdOf: (user: string, key: string, made?: number) => string;
}

interface Seat {
  readonly entry: GameEntry;
  /** This call stored the entry and has to start the game. */
  readonly isNew: boolean;
}

/** Games that one key may stand for: the next one counts where those before it wait for a process. */
const MAX_GAMES_OF_KEY = 3;

/** Joins any game of a type that has a free seat, or makes one. */
export class QuickMatch {
  readonly #parts: QuickMatchParts;
  readonly #running = new Map<string, Promise<Matched>>();

  constructor(parts: QuickMatchParts) {
    this.#parts = parts;
  }

  /**
   * A request that comes again while it is worked on takes no second turn.
   * @throws ProtocolError `unknown_game_type`, `no_capacity`, `busy`, …
   */
  async match(request: MatchQuick): Promise<Matched> {
    const name = `${request.user}\n${request.key}\n${request.type}`;
    const running = this.#running.get(name);
    if (running !== undefined) return { ...(await running), isNew: false };
    const match = this.#match(request).finally(() => this.#running.delete(name));
    this.#running.set(name, match);
    return match;
  }

  /** A lost game is tried once: when no process takes it, it waits without this player, who gets another one. */
  async #match(request: MatchQuick): Promise<Matched> {
    const seat = await this.#seatFor(request);
    try {
      return await this.#enter(seat);
    } catch (error) {
      if (seat.isNew || !isUnhosted(error)) throw error;
      return this.#matchElsewhere(request, seat.entry.game, error);
    }
  }

  /** @throws `error` where there is no other game either, and none can be made */
  async #matchElsewhere(request: MatchQuick, tried: string, error: ProtocolError): Promise<Matched> {
    try {
      return await this.#enter(await this.#seatFor(request, tried));
    } catch (cause) {
      const isFinal = !(cause instanceof ProtocolError) || cause.code === 'bad_request';
      throw isFinal ? cause : error;
    }
  }

  /** One request of a type at a time, so that requests of one replica see each other's seats and creations. */
  #seatFor(request: MatchQuick, tried?: string): Promise<Seat> {
    return this.#parts.turns.run(request.type, () => this.#findSeat(request, tried));
  }

  async #enter({ entry, isNew }: Seat): Promise<Matched> {
    const { creation } = this.#parts;
    if (isNew) return { entry: await creation.start(entry), isNew };
    if (entry.state === 'starting') return { entry: await creation.whenStarted(entry), isNew };
    return { entry: await hostedLeaderFirst(this.#parts, entry), isNew };
  }

  async #findSeat(request: MatchQuick, tried: string | undefined): Promise<Seat> {
    const own = this.#heldBy(request, tried) ?? (await this.#createdBy(request, tried));
    if (own !== undefined) return { entry: own, isNew: false };
    const { maxSeatAttempts } = this.#parts.limits;
    for (const candidate of this.#candidates(request.type, tried).slice(0, maxSeatAttempts)) {
      const seated = await this.#takeSeat(candidate.game, request.user);
      if (seated !== undefined) return { entry: seated, isNew: false };
    }
    return this.#newGame(request, tried);
  }

  #heldBy({ user, type }: MatchQuick, tried: string | undefined): GameEntry | undefined {
    const unixMs = this.#parts.time.unixMs();
    const isHeld = (entry: GameEntry) => isOpen(entry) && holdsSeat(entry, user, unixMs);
    return this.#best([...this.#parts.mirror.entries(type)].filter(isHeld), tried);
  }

  /** A game that an earlier try of this request made. */
  async #createdBy(request: MatchQuick, tried: string | undefined): Promise<GameEntry | undefined> {
    const made: GameEntry[] = [];
    for (const game of this.#gamesOf(request)) {
      const found = (await this.#parts.registrar.read(game))?.entry;
      if (found?.type !== request.type || !isOpen(found)) break;
      made.push(found);
      if (this.#isReady(found)) break;
    }
    return this.#best(made, tried);
  }

  #best(entries: readonly GameEntry[], tried: string | undefined): GameEntry | undefined {
    const eligible = entries.filter((entry) => this.#isEligible(entry, tried));
    return eligible.find((entry) => this.#isReady(entry)) ?? eligible[0];
  }

  /** Games with a free seat: hosted ones first, the fullest first, so that games fill up. */
  #candidates(type: string, tried: string | undefined): GameEntry[] {
    const free = new Map<GameEntry, number>();
    for (const entry of this.#parts.mirror.entries(type)) {
      const seats = this.#freeSeats(entry);
      if (isOpen(entry) && seats > 0 && this.#isEligible(entry, tried)) free.set(entry, seats);
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

  async #newGame(request: MatchQuick, tried: string | undefined): Promise<Seat> {
    const { creation, registrar, limits, time } = this.#parts;
    const { user, type } = request;
    for (const game of this.#gamesOf(request)) {
      const draft = creation.draft({ game, user, type });
      const entry = { ...draft, seats: [{ user, untilMs: time.unixMs() + limits.seatHoldMs }] };
      if (await registrar.create(entry)) return { entry, isNew: true };
      const other = (await registrar.read(game))?.entry;
      if (other?.type !== type || !isOpen(other))
        throw new ProtocolError('bad_request', 'The key was used for another game.');
      if (this.#isEligible(other, tried)) return { entry: other, isNew: false };
    }
    throw new ProtocolError('bad_request', 'The games of this key wait for a process; use another key.');
  }

  /** In the order in which they are made. */
  #gamesOf({ user, key }: MatchQuick): string[] {
    const { gameIdOf } = this.#parts;
    return Array.from({ length: MAX_GAMES_OF_KEY }, (_, made) => gameIdOf(user, key, made));
  }

  #freeSeats(entry: GameEntry): number {
    return freeSeats(entry, this.#heardPlayers(entry.game), this.#parts.time.unixMs());
  }

  #heardPlayers(game: string): number | undefined {
    return this.#parts.hostings.of(game)?.line.players;
  }

  /**
   * A lost game waits for its version, but nobody is made to wait with it where another version can be played; nor with
   * any lost game, once a process could not be found for the one that was `tried`.
   */
  #isEligible(entry: GameEntry, tried: string | undefined): boolean {
    const { fleet } = this.#parts;
    if (this.#isReady(entry)) return entry.game !== tried;
    return tried === undefined && (!fleet.isSettled || !isStranded(entry, fleet.live()));
  }

  #isReady(entry: GameEntry): boolean {
    const { fleet, hostings } = this.#parts;
    if (entry.state === 'starting') return !isStranded(entry, fleet.live());
    const hosting = hostings.of(entry.game);
    return hosting !== undefined && fleet.isLive(hosting.pod);
  }
}

const UNHOSTED: readonly string[] = ['no_capacity', 'unavailable', 'unknown_game_type'];

/** Nobody hosts this game now. */
function isUnhosted(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && UNHOSTED.includes(error.code);
}
