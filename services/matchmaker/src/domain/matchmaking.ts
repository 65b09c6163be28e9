import type { MatchCreate, MatchQuick } from '@breakwater/bus';
import { type GameInfo, ProtocolError } from '@breakwater/protocol';
import type { Creation, Matched } from './creation.ts';
import type { Hostings } from './hostings.ts';
import type { Fleet } from './liveness.ts';
import type { Mirror } from './mirror.ts';
import { assertOpen, type Pinning } from './pinning.ts';
import type { QuickMatch } from './quick-match.ts';
import type { Registrar } from './registrar.ts';
import { infoOf, isOpen } from './registry.ts';

export interface MatchmakingParts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly mirror: Mirror;
  readonly registrar: Registrar;
  readonly pinning: Pinning;
  readonly creation: Creation;
  readonly quickMatch: QuickMatch;
  /** Games in one list. */
  readonly maxListed: number;
}

/** What edges may ask for. */
export class Matchmaking {
  readonly #parts: MatchmakingParts;

  constructor(parts: MatchmakingParts) {
    this.#parts = parts;
  }

  create(request: MatchCreate): Promise<Matched> {
    return this.#parts.creation.create(request);
  }

  quick(request: MatchQuick): Promise<Matched> {
    return this.#parts.quickMatch.match(request);
  }

  /**
   * Makes sure that a game is hosted. Asked when nobody answers for it, so what was heard of its process is not
   * believed before the process has said so itself. A full game is found like any other: its own players come back
   * this way, and its process refuses the rest.
   */
  async find(game: string): Promise<Matched> {
    const { registrar, pinning, creation } = this.#parts;
    const found = await registrar.read(game);
    if (found === undefined) throw new ProtocolError('game_not_found');
    assertOpen(found.entry);
    if (found.entry.state === 'starting')
      return { entry: await creation.whenStarted(found.entry), isNew: false };
    await pinning.confirm(game);
    const entry = await pinning.ensureHosted(found.entry);
    assertOpen(entry);
    return { entry, isNew: false };
  }

  /** Games that can be played, the oldest first. */
  list(type: string | undefined): GameInfo[] {
    const open = [...this.#parts.mirror.entries(type)].filter(isOpen);
    open.sort((a, b) => a.createdAt - b.createdAt || (a.game < b.game ? -1 : 1));
    return open
      .slice(0, this.#parts.maxListed)
      .map((entry) => ({ ...infoOf(entry), players: this.#players(entry.game) ?? entry.players }));
  }

  types(): string[] {
    return this.#parts.fleet.types();
  }

  #players(game: string): number | undefined {
    return this.#parts.hostings.of(game)?.line.players;
  }
}
