import type { HostedGame, SimStatus } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Hostings } from './hostings.ts';
import type { Fleet } from './liveness.ts';
import type { Mirror } from './mirror.ts';
import type { SimPort, Time } from './ports.ts';
import type { Registrar } from './registrar.ts';
import { type Host, isOnlyCounts, withReport } from './registry.ts';

export interface FollowerLimits {
  /** Counts of players are written at most this often for one game, ms. */
  readonly countsWriteMs: number;
  /** A process is asked for its whole list at most this often, ms. */
  readonly listIntervalMs: number;
}

export interface FollowerParts {
  readonly fleet: Fleet;
  readonly hostings: Hostings;
  readonly mirror: Mirror;
  readonly registrar: Registrar;
  readonly sims: SimPort;
  readonly time: Time;
  readonly limits: FollowerLimits;
  /** 0 for the replica that writes a game's changes first; the others come later, should it not. */
  readonly rankOf: (game: string) => number;
  /** A process left or fell silent, or has told what it hosts. */
  readonly onNews?: () => void;
  readonly onError: (error: unknown) => void;
}

interface Report {
  readonly pod: string;
  readonly line: HostedGame;
}

/** Keeps the registry true to what the simulation processes report. */
export class Follower {
  readonly #parts: FollowerParts;
  readonly #asked = new Map<string, number>();
  /** Processes whose whole list is wanted. */
  readonly #doubtful = new Set<string>();
  /** The newest report of each game that waits to be written. */
  readonly #reports = new Map<string, Report>();
  readonly #timers = new Map<string, () => void>();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    parts.fleet.onAnyGone((pod) => this.#onGone(pod));
  }

  /** A heartbeat of a process. */
  status(status: SimStatus): void {
    const { fleet, hostings } = this.#parts;
    if (status.isLeaving) {
      fleet.gone(status.pod);
      return;
    }
    const sighting = fleet.heard(status);
    if (sighting === 'refused') return;
    if (sighting === 'new') hostings.drop(status.pod);
    this.#take(status.pod, status.changed);
    const isOff = sighting !== 'known' || hostings.digest(status.pod) !== status.digest;
    if (isOff) this.#doubtful.add(status.pod);
    if (this.#doubtful.has(status.pod)) void this.#askList(status.pod);
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#reports.clear();
  }

  /** Whoever found that a process left or fell silent: nothing is known to be hosted there. */
  #onGone(pod: string): void {
    this.#parts.hostings.drop(pod);
    this.#asked.delete(pod);
    this.#doubtful.delete(pod);
    this.#parts.onNews?.();
  }

  #take(pod: string, lines: readonly HostedGame[]): void {
    this.#parts.hostings.change(pod, lines);
    for (const line of lines) this.#note({ pod, line });
  }

  async #askList(pod: string): Promise<void> {
    const { time, limits, sims, hostings, onError } = this.#parts;
    const nowMs = time.monotonicMs();
    const askedMs = this.#asked.get(pod);
    if (askedMs !== undefined && nowMs - askedMs < limits.listIntervalMs) return;
    this.#asked.set(pod, nowMs);
    try {
      const answer = await sims.list(pod);
      if (typeof answer === 'string' || !this.#parts.fleet.isLive(pod)) return;
      this.#doubtful.delete(pod);
      hostings.replace(pod, answer.games);
      for (const line of answer.games) this.#note({ pod, line });
      this.#parts.onNews?.();
    } catch (error) {
      onError(error);
    }
  }

  /** Plans the write of a report: at once when the owner or the state changed, gathered when only counts did. */
  #note(report: Report): void {
    const { game } = report.line;
    const before = this.#reports.get(game);
    if (before !== undefined && before.line.epoch > report.line.epoch) return;
    const merged = { pod: report.pod, line: withJoined(report.line, before?.line.joined) };
    const delayMs = this.#delayMs(merged);
    if (delayMs === undefined) {
      this.#reports.delete(game);
      return;
    }
    this.#reports.set(game, merged);
    this.#plan(game, delayMs);
  }

  #delayMs({ pod, line }: Report): number | undefined {
    const { mirror, time, limits, rankOf } = this.#parts;
    const known = mirror.get(line.game);
    const next = known && withReport(known.entry, this.#hostOf(pod), line, time.unixMs());
    if (known !== undefined && next === undefined) return undefined;
    const isUrgent = known === undefined || next === undefined || !isOnlyCounts(known.entry, next);
    const rank = rankOf(line.game);
    return isUrgent ? rank * limits.countsWriteMs : (rank + 1) * limits.countsWriteMs;
  }

  #hostOf(pod: string): Host {
    return { pod, node: this.#parts.fleet.nodeOf(pod) };
  }

  #plan(game: string, delayMs: number): void {
    if (delayMs === 0) {
      this.#timers.get(game)?.();
      this.#timers.delete(game);
      void this.#write(game);
    } else if (!this.#timers.has(game)) {
      const cancel = this.#parts.time.after(delayMs, () => {
        this.#timers.delete(game);
        void this.#write(game);
      });
      this.#timers.set(game, cancel);
    }
  }

  async #write(game: string): Promise<void> {
    const report = this.#reports.get(game);
    if (report === undefined) return;
    this.#reports.delete(game);
    const { registrar, time, limits, onError } = this.#parts;
    try {
      await registrar.change(game, (entry) =>
        withReport(entry, this.#hostOf(report.pod), report.line, time.unixMs()),
      );
    } catch (error) {
      onError(error);
      const isFinal = error instanceof ProtocolError && !error.retryable;
      // Its process will not repeat it: whoever comes later has newer news.
      if (!isFinal && !this.#reports.has(game)) {
        this.#reports.set(game, report);
        this.#plan(game, limits.countsWriteMs);
      }
    }
  }
}

function withJoined(line: HostedGame, before: readonly string[] | undefined): HostedGame {
  if (before === undefined) return line;
  return { ...line, joined: [...new Set([...before, ...(line.joined ?? [])])] };
}
