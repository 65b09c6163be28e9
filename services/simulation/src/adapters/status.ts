import { performance } from 'node:perf_hooks';
import { digestOf, type SimStatus, type Subjects } from '@breakwater/bus';
import type { Cancel, Clock, NatsBus } from '@breakwater/service-kit';
import type { GameTypes } from '../domain/game-types.ts';
import type { Host } from '../domain/host.ts';
import type { Report } from '../domain/report.ts';
import type { TickTimes } from '../domain/tick-times.ts';

export interface StatusOptions {
  readonly pod: string;
  readonly node?: string | undefined;
  readonly incarnation: string;
  readonly maxGames: number;
  readonly heartbeatMs: number;
}

/** Publishes `sim.status`: load and what changed among the hosted games. */
export class Status {
  readonly #nats: NatsBus;
  readonly #subjects: Subjects;
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #report: Report;
  readonly #ticks: TickTimes;
  readonly #options: StatusOptions;
  readonly #types: SimStatus['types'];
  #utilization = performance.eventLoopUtilization();
  #cancel: Cancel | undefined;
  #hasLeft = false;
  #n = 0;

  constructor(
    nats: NatsBus,
    subjects: Subjects,
    clock: Clock,
    parts: {
      readonly host: Host;
      readonly report: Report;
      readonly ticks: TickTimes;
      readonly types: GameTypes;
    },
    options: StatusOptions,
  ) {
    this.#nats = nats;
    this.#subjects = subjects;
    this.#clock = clock;
    this.#host = parts.host;
    this.#report = parts.report;
    this.#ticks = parts.ticks;
    this.#options = options;
    this.#types = Array.from(parts.types.values(), ({ type, schemaVersion, maxPlayers, migrations }) => ({
      type,
      schemaVersion,
      maxPlayers,
      ...(migrations.size > 0 && { migratesFrom: [...migrations.keys()] }),
    }));
  }

  start(): void {
    this.#publish(false);
    this.#cancel = this.#clock.every(this.#options.heartbeatMs, () => {
      this.#host.housekeep();
      this.#publish(false);
    });
  }

  /** Says at once what changed: games were taken in or given up. */
  publish(): void {
    this.#publish(false);
  }

  /** The last word of this process: a heartbeat after it would say that it is there after all. */
  publishLeaving(): void {
    this.stop();
    this.#publish(true);
    this.#hasLeft = true;
  }

  stop(): void {
    this.#cancel?.();
  }

  #publish(isLeaving: boolean): void {
    if (this.#hasLeft || !this.#nats.isConnected) return;
    const games = this.#host.lines();
    const { pod, node, incarnation, maxGames } = this.#options;
    const status: SimStatus = {
      pod,
      ...(node !== undefined && { node }),
      incarnation,
      n: this.#n++,
      types: this.#types,
      games: games.length,
      maxGames,
      load: this.#load(),
      tickP99Ms: this.#ticks.p99Ms(),
      digest: digestOf(games),
      isDraining: this.#host.isDraining,
      isLeaving,
      changed: this.#report.changes(games),
    };
    this.#nats.publish(this.#subjects.simStatus(), status);
  }

  #load(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization);
    this.#utilization = now;
    return Number.isFinite(utilization) ? utilization : 0;
  }
}
