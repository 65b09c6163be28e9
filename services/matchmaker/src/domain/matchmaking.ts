import type { GameEntry, MatchCreate, MatchMove, MatchProcesses, MatchQuick } from '@breakwater/bus';
import { type GameInfo, ProtocolError } from '@breakwater/protocol';
import type { Creation, Matched } from './creation.ts';
import type { Hostings } from './hostings.ts';
import { hostedLeaderFirst, type LeaderFirst } from './leader-first.ts';
import type { Fleet } from './liveness.ts';
import type { Mover } from './mover.ts';
import { assertOpen } from './pinning.ts';
import type { QuickMatch } from './quick-match.ts';
import type { Registrar } from './registrar.ts';
import { infoOf, isOpen } from './registry.ts';

export interface MatchmakingLimits {
  /** Games in one list. */
  readonly maxListed: number;
}

export interface MatchmakingParts extends LeaderFirst {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly registrar: Registrar;
  readonly creation: Creation;
  readonly quickMatch: QuickMatch;
  readonly mover: Mover;
  readonly limits: LeaderFirst['limits'] & MatchmakingLimits;
}

/** What edges and operators may ask for. */
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
    await pinning.confirm(found.entry);
    const entry = await hostedLeaderFirst(this.#parts, found.entry);
    assertOpen(entry);
    return { entry, isNew: false };
  }

  /** Games that can be played, the oldest first. */
  list(type: string | undefined): GameInfo[] {
    const open = [...this.#parts.mirror.entries(type)].filter(isOpen);
    open.sort((a, b) => a.createdAt - b.createdAt || (a.game < b.game ? -1 : 1));
    return open
      .slice(0, this.#parts.limits.maxListed)
      .map((entry) => ({ ...infoOf(entry), players: this.#players(entry.game) ?? entry.players }));
  }

  types(): string[] {
    return this.#parts.fleet.types();
  }

  /** For operators. @throws ProtocolError as `Mover.move` */
  move({ game, to }: MatchMove): Promise<GameEntry> {
    return this.#parts.mover.move(game, 'operator', to);
  }

  /** Simulation processes that were heard in time, by name. */
  processes(): MatchProcesses['processes'] {
    const { fleet, hostings } = this.#parts;
    const processes = fleet.live().map(({ status, isCordoned }) => {
      const { pod, node, games, maxGames, load, tickP99Ms, isDraining } = status;
      const types = status.types.map(({ type, schemaVersion }) => ({ type, schemaVersion }));
      const players = hostings.on(pod).reduce((sum, line) => sum + line.players, 0);
      const where = { pod, ...(node === undefined ? {} : { node }) };
      return { ...where, types, games, maxGames, players, load, tickP99Ms, isDraining, isCordoned };
    });
    return processes.sort((a, b) => (a.pod < b.pod ? -1 : 1));
  }

  #players(game: string): number | undefined {
    return this.#parts.hostings.of(game)?.line.players;
  }
}
