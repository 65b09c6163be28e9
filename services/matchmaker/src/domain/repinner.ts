import type { GameEntry } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { HeardTime } from './heard-time.ts';
import type { Fleet } from './liveness.ts';
import type { Mirror } from './mirror.ts';
import { Pace } from './pace.ts';
import type { Pinning } from './pinning.ts';
import { type PlacementRule, placesFor } from './placement.ts';
import type { Time } from './ports.ts';
import { isOpen } from './registry.ts';

export interface RepinLimits {
  readonly placement: PlacementRule;
  readonly heartbeatMs: number;
  /** Games that are pinned again at once. */
  readonly maxRepins: number;
  readonly repinsPerSecond: number;
  /** Pause before the next try of a game that no process took, ms. */
  readonly repinRetryMs: number;
  /** How long a creation in flight is left to the replica that began it, ms. */
  readonly startingWaitMs: number;
}

/**
 * Why a game is pinned again: its process is lost, does not host it any more (`dropped`), or nobody finished its
 * creation (`starting`).
 */
export type RepinCause = 'lost' | 'dropped' | 'starting';

export interface RepinnerParts {
  readonly fleet: Fleet;
  readonly mirror: Mirror;
  readonly pinning: Pick<Pinning, 'hostingOf' | 'isPinning' | 'confirm' | 'ensureHosted'>;
  readonly heard: HeardTime;
  readonly time: Time;
  readonly limits: RepinLimits;
  readonly isLeader: () => boolean;
  readonly onRepin: (game: string, cause: RepinCause, outcome: string) => void;
  readonly onError: (error: unknown) => void;
}

/** So often a process that lives may fail to say whether it hosts a game before the game is given to another one. */
const MAX_SILENT_TRIES = 5;

interface Lost {
  /** Heard time at which nobody was found to host it. */
  readonly sinceMs: number;
  /** No try before this, by the monotonic clock. */
  nextMs: number;
  /** Tries that failed. */
  tries: number;
}

/**
 * Finds a process for every open game that nobody hosts. All that it goes by are the registry and what processes say,
 * so that whoever leads next goes on where another stopped.
 */
export class Repinner {
  readonly #parts: RepinnerParts;
  readonly #pace: Pace;
  readonly #lost = new Map<string, Lost>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(parts: RepinnerParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.limits.repinsPerSecond);
  }

  /** Open games that nobody is known to host. */
  get waiting(): number {
    return this.#lost.size;
  }

  /** Looks at every game. Called at each own heartbeat that came back, and when a process is lost or heard anew. */
  look(): void {
    if (!this.#parts.isLeader() || !this.#parts.fleet.isSettled) {
      this.#lost.clear();
      return;
    }
    this.#findLost();
    this.#begin();
  }

  #begin(): void {
    if (!this.#parts.isLeader()) return;
    for (const entry of this.#due()) {
      if (this.#running.size >= this.#parts.limits.maxRepins) return;
      if (!this.#pace.take(this.#parts.time.monotonicMs())) return;
      this.#running.set(entry.game, this.#repin(entry));
    }
  }

  /** Resolves when the tries that are under way have ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  #findLost(): void {
    const { mirror, pinning, heard } = this.#parts;
    const before = new Map(this.#lost);
    this.#lost.clear();
    for (const entry of mirror.entries()) {
      if (!isOpen(entry)) continue;
      const hosting = pinning.hostingOf(entry.game);
      if (hosting !== undefined && hosting.line.epoch >= entry.epoch) continue;
      this.#lost.set(entry.game, before.get(entry.game) ?? { sinceMs: heard.nowMs, nextMs: 0, tries: 0 });
    }
  }

  /** Those that were tried least first, so that games which nobody can host hold up no others; then the fullest. */
  #due(): GameEntry[] {
    const { mirror, pinning } = this.#parts;
    const hasRoom = this.#roomFinder();
    const due: GameEntry[] = [];
    for (const [game, lost] of this.#lost) {
      const entry = mirror.get(game)?.entry;
      const isTaken = this.#running.has(game) || pinning.isPinning(game);
      if (entry !== undefined && !isTaken && this.#isRipe(entry, lost) && hasRoom(entry)) due.push(entry);
    }
    const triesOf = ({ game }: GameEntry) => this.#lost.get(game)?.tries ?? 0;
    return due.sort((a, b) => triesOf(a) - triesOf(b) || b.players - a.players);
  }

  #isRipe(entry: GameEntry, { sinceMs, nextMs }: Lost): boolean {
    const { time, heard, limits } = this.#parts;
    if (time.monotonicMs() < nextMs) return false;
    const cause = this.#causeOf(entry);
    if (cause === 'lost') return true;
    // A claim is heard of a heartbeat later; a creation is another replica's first.
    const waitMs = cause === 'starting' ? limits.startingWaitMs : limits.heartbeatMs * 2;
    return heard.nowMs - sinceMs >= waitMs;
  }

  #causeOf({ pod }: GameEntry): RepinCause {
    if (pod === undefined) return 'starting';
    return this.#parts.fleet.isLive(pod) ? 'dropped' : 'lost';
  }

  /** Without room for a game nothing is tried; it waits for a process that has some. */
  #roomFinder(): (entry: GameEntry) => boolean {
    const processes = this.#parts.fleet.live();
    const known = new Map<string, boolean>();
    return (entry) => {
      const kind = `${entry.type}@${entry.schemaVersion}`;
      const has = known.get(kind) ?? placesFor(entry, processes, this.#parts.limits.placement).length > 0;
      known.set(kind, has);
      return has;
    };
  }

  async #repin(entry: GameEntry): Promise<void> {
    const { game } = entry;
    const { onRepin, onError } = this.#parts;
    const cause = this.#causeOf(entry);
    try {
      onRepin(game, cause, await this.#host(entry, cause));
      this.#lost.delete(game);
    } catch (error) {
      onRepin(game, cause, error instanceof ProtocolError ? error.code : 'internal');
      if (!(error instanceof ProtocolError)) onError(error);
      this.#postpone(game);
    } finally {
      this.#running.delete(game);
    }
    this.#begin();
  }

  /** `hosted`, `found` where it was, or `over`. */
  async #host(entry: GameEntry, cause: RepinCause): Promise<string> {
    const { pinning, mirror } = this.#parts;
    const hosting = cause === 'dropped' ? await pinning.confirm(entry) : undefined;
    // Its heartbeats come: it is rather too busy to answer, or on its way back to NATS, than without the game.
    if (typeof hosting === 'string' && (this.#lost.get(entry.game)?.tries ?? 0) < MAX_SILENT_TRIES)
      throw new ProtocolError('unavailable', 'its process does not say what it hosts');
    const now = await pinning.ensureHosted(mirror.get(entry.game)?.entry ?? entry);
    if (!isOpen(now)) return 'over';
    return typeof hosting === 'object' ? 'found' : 'hosted';
  }

  #postpone(game: string): void {
    const lost = this.#lost.get(game);
    if (lost === undefined) return;
    lost.nextMs = this.#parts.time.monotonicMs() + this.#parts.limits.repinRetryMs;
    lost.tries += 1;
  }
}
