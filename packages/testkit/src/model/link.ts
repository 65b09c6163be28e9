/** The connection of one process to the broker, with everything that can happen to one. */

import type { ModelClock } from './model-clock.ts';

export type Direction = 'up' | 'down';

/** One direction: first in, first out; while it is held nothing arrives and nothing is lost. */
class Lane {
  readonly #clock: ModelClock;
  readonly #latencyMs: () => number;
  readonly #isHeld: () => boolean;
  #queue: { readonly arrive: () => void; readonly dueMs: number }[] = [];

  constructor(clock: ModelClock, latencyMs: () => number, isHeld: () => boolean) {
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#isHeld = isHeld;
  }

  send(arrive: () => void): void {
    const earliestMs = this.#queue.at(-1)?.dueMs ?? 0;
    const dueMs = Math.max(earliestMs, this.#clock.monotonicMs() + Math.round(this.#latencyMs()));
    this.#queue.push({ arrive, dueMs });
    this.#clock.after(dueMs - this.#clock.monotonicMs(), () => this.pump());
  }

  /** Delivers what is due, unless held. */
  pump(): void {
    while (!this.#isHeld()) {
      const next = this.#queue[0];
      if (next === undefined || next.dueMs > this.#clock.monotonicMs()) return;
      this.#queue.shift();
      next.arrive();
    }
  }

  drop(): void {
    this.#queue = [];
  }
}

export interface LinkHolds {
  /** The process does not run. */
  isClientPaused: boolean;
  /** The server does not run. */
  readonly isServerPaused: () => boolean;
}

export class Link {
  readonly holds: LinkHolds;
  readonly #up: Lane;
  readonly #down: Lane;
  readonly #heldDirections = new Set<Direction>();
  readonly #onCut = new Set<() => void>();
  /** The client is back after a cut. */
  onConnected: () => void = () => undefined;
  #isConnected = true;
  #isClosed = false;

  constructor(clock: ModelClock, random: () => number, isServerPaused: () => boolean) {
    const latencyMs = () => 1 + random() * 4;
    this.holds = { isClientPaused: false, isServerPaused };
    this.#up = new Lane(clock, latencyMs, () => this.#heldDirections.has('up') || isServerPaused());
    this.#down = new Lane(
      clock,
      latencyMs,
      () => this.#heldDirections.has('down') || this.holds.isClientPaused,
    );
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.#isClosed;
  }

  /** To the server. What is sent without a connection is thrown away, as NATS clients do. */
  up(arrive: () => void): void {
    if (this.isConnected) this.#up.send(arrive);
  }

  /** To the process. */
  down(arrive: () => void): void {
    if (this.isConnected) this.#down.send(arrive);
  }

  hold(direction: Direction): void {
    this.#heldDirections.add(direction);
  }

  /** What was held arrives, late. */
  release(direction: Direction): void {
    this.#heldDirections.delete(direction);
    this.pump();
  }

  pump(): void {
    this.#up.pump();
    this.#down.pump();
  }

  /** Called once at the next cut, when whoever waits for an answer learns that there is none. */
  onCut(listener: () => void): () => void {
    this.#onCut.add(listener);
    return () => void this.#onCut.delete(listener);
  }

  /** The connection is reset: what was on its way is lost. */
  cut(): void {
    this.#isConnected = false;
    this.#up.drop();
    this.#down.drop();
    const listeners = [...this.#onCut];
    this.#onCut.clear();
    for (const listener of listeners) listener();
  }

  connect(): void {
    this.#isConnected = true;
    this.onConnected();
  }

  /** The process is no more. What it sent is still on its way. */
  close(): void {
    this.#isClosed = true;
    this.#down.drop();
    this.#onCut.clear();
  }
}
