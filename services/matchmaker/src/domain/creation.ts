import type { GameEntry, MatchCreate } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Fleet } from './liveness.ts';
import type { Mirror } from './mirror.ts';
import { assertOpen, type Pinning } from './pinning.ts';
import { isHostable, type Place, type PlacementRule, placesFor } from './placement.ts';
import type { Time } from './ports.ts';
import type { Registrar } from './registrar.ts';
import { newEntry } from './registry.ts';

export interface CreationLimits {
  readonly placement: PlacementRule;
  /** How long a creation by another replica is waited for before this one takes it over, ms. */
  readonly startingWaitMs: number;
  /** Entries in the registry. */
  readonly maxGames: number;
}

export interface CreationParts {
  readonly fleet: Fleet;
  readonly mirror: Mirror;
  readonly registrar: Registrar;
  readonly pinning: Pinning;
  readonly time: Time;
  readonly limits: CreationLimits;
  /** A whole number below 2^32. */
  readonly seed: () => number;
  /** The game that a user's key stands for. */
  readonly gameIdOf: (user: string, key: string) => string;
}

export interface Matched {
  readonly entry: GameEntry;
  readonly isNew: boolean;
}

/** Tries to store an entry that others store and remove at the same time. */
const MAX_CREATE_ATTEMPTS = 3;

/** Creates games, each once however often and through whichever replica it is asked for. */
export class Creation {
  readonly #parts: CreationParts;

  constructor(parts: CreationParts) {
    this.#parts = parts;
  }

  /** @throws ProtocolError `unknown_game_type`, `no_capacity`, `bad_options`, `game_ended`, `game_failed`, … */
  async create(request: MatchCreate, attempts = MAX_CREATE_ATTEMPTS): Promise<Matched> {
    const game = this.#parts.gameIdOf(request.user, request.key);
    const existing = await this.#parts.registrar.read(game);
    if (existing !== undefined) return this.#again(existing.entry, request.type);
    const { user, type, title, options } = request;
    const entry = this.draft({ game, user, type, title, options });
    const isMine = await this.#parts.registrar.create(entry);
    if (!isMine && attempts <= 1)
      throw new ProtocolError('busy', 'The game is being changed by others; try again.');
    if (!isMine) return this.create(request, attempts - 1);
    return { entry: await this.start(entry), isNew: true };
  }

  /** An entry that may be stored. @throws ProtocolError when no process would take the game */
  draft(request: Parameters<typeof newEntry>[0]): GameEntry {
    const { limits, mirror, time, seed } = this.#parts;
    if (mirror.size >= limits.maxGames) throw new ProtocolError('busy', 'The registry of games is full.');
    return newEntry(request, this.#firstPlace(request.type), seed(), time.unixMs());
  }

  /** Hosts a game whose entry this call created; takes the entry away again when nobody takes the game. */
  async start(entry: GameEntry): Promise<GameEntry> {
    const { pinning, registrar, time, limits } = this.#parts;
    const begunMs = time.monotonicMs();
    try {
      return running(await pinning.ensureHosted(entry));
    } catch (error) {
      // Only refusals by all who were asked prove that no log was begun; a silence might have been a claim.
      const isCertain =
        error instanceof ProtocolError && (error.code === 'no_capacity' || error.code === 'bad_options');
      // After that long another replica may hand it out as well.
      const isAlone = time.monotonicMs() - begunMs < limits.startingWaitMs;
      if (isCertain && isAlone)
        await registrar.remove(
          entry.game,
          (now) => now.state === 'starting' && now.epoch === 0 && now.createdAt === entry.createdAt,
        );
      throw error;
    }
  }

  /** Waits for a creation that is in flight elsewhere, and takes it over when that takes too long. */
  async whenStarted(entry: GameEntry): Promise<GameEntry> {
    const { pinning, mirror } = this.#parts;
    if (entry.state !== 'starting') return running(entry);
    if (pinning.isPinning(entry.game)) return running(await pinning.ensureHosted(entry));
    await this.#untilNot(entry, 'starting');
    const now = mirror.get(entry.game)?.entry ?? (await this.#parts.registrar.read(entry.game))?.entry;
    if (now === undefined) throw new ProtocolError('no_capacity');
    return now.state === 'starting' ? running(await pinning.ensureHosted(now)) : running(now);
  }

  async #again(entry: GameEntry, type: string): Promise<Matched> {
    if (entry.type !== type)
      throw new ProtocolError('bad_request', 'The key was used for a game of another type.');
    return { entry: await this.whenStarted(entry), isNew: false };
  }

  #firstPlace(type: string): Place {
    const processes = this.#parts.fleet.live();
    const place = placesFor({ type }, processes, this.#parts.limits.placement)[0];
    if (place !== undefined) return place;
    const isUnknown = processes.length > 0 && !isHostable({ type }, processes);
    throw new ProtocolError(isUnknown ? 'unknown_game_type' : 'no_capacity');
  }

  #untilNot({ game, createdAt }: GameEntry, state: GameEntry['state']): Promise<void> {
    const { mirror, time, limits } = this.#parts;
    const ageMs = Math.max(0, time.unixMs() - createdAt);
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (mirror.get(game)?.entry.state !== state) resolve();
    };
    const cancelTimer = time.after(Math.max(0, limits.startingWaitMs - ageMs), resolve);
    const cancelListener = mirror.onChange(game, check);
    check();
    return promise.finally(() => {
      cancelTimer();
      cancelListener();
    });
  }
}

function running(entry: GameEntry): GameEntry {
  assertOpen(entry);
  return entry;
}
