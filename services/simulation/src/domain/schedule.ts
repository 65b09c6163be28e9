/** Fixed ticks of many games from one timer, spread evenly and never bunched up after a stall. */

import type { Cancel, ClockPort } from './ports.ts';

export interface ScheduleOptions {
  /** The timer fires at most once in this time; what became due meanwhile runs together. */
  readonly quantumMs: number;
  /** Ticks that a late game may make up for; what is beyond is given up, and the game is slower for it. */
  readonly maxCatchUpTicks: number;
  /** Work in one turn of the event loop; the rest waits until others had theirs. */
  readonly turnBudgetMs: number;
}

export const DEFAULT_SCHEDULE: ScheduleOptions = { quantumMs: 4, maxCatchUpTicks: 5, turnBudgetMs: 20 };

interface Entry {
  readonly tick: (nowMs: number) => void;
  readonly onSkipped: (ticks: number) => void;
  readonly periodMs: number;
  dueMs: number;
  isActive: boolean;
}

/** Successive multiples of it fall as far from each other as they can. */
const GOLDEN = 0.618_033_988_749_895;

export class TickSchedule {
  readonly #clock: ClockPort;
  readonly #options: ScheduleOptions;
  /** Binary heap by `dueMs`. */
  readonly #heap: Entry[] = [];
  #cancel: Cancel | undefined;
  /** When the pending timer fires. */
  #firesMs = 0;
  #added = 0;
  #isStopped = false;
  readonly #onError: (error: unknown) => void;

  /** `onError` hears what a tick throws; the other games go on. */
  constructor(clock: ClockPort, options: ScheduleOptions, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#onError = onError;
  }

  /** Calls `tick` at once, and every `periodMs` at a phase of its own, until the returned function is called. */
  add(periodMs: number, tick: (nowMs: number) => void, onSkipped: (ticks: number) => void): Cancel {
    const phase = (this.#added++ * GOLDEN) % 1;
    const entry = {
      tick,
      onSkipped,
      periodMs,
      // Less than a period ago, so that the tick after the first one is the first at that phase.
      dueMs: this.#clock.monotonicMs() + periodMs * (phase - 1),
      isActive: true,
    };
    this.#push(entry);
    this.#plan();
    return () => {
      entry.isActive = false;
    };
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#heap.length = 0;
  }

  #plan(): void {
    const next = this.#heap[0];
    if (next === undefined || this.#isStopped) return;
    const nowMs = this.#clock.monotonicMs();
    const firesMs = Math.max(nowMs + this.#options.quantumMs, next.dueMs);
    // A pending timer is only ever brought forward: many new games in a row do not put it off.
    if (this.#cancel !== undefined && this.#firesMs <= firesMs) return;
    this.#cancel?.();
    this.#firesMs = firesMs;
    this.#cancel = this.#clock.after(firesMs - nowMs, () => this.#run());
  }

  #run(): void {
    this.#cancel = undefined;
    const startMs = this.#clock.monotonicMs();
    for (let nowMs = startMs; this.#isDue(nowMs); nowMs = this.#clock.monotonicMs()) {
      if (nowMs - startMs > this.#options.turnBudgetMs) break;
      const entry = this.#pop();
      if (!entry.isActive) continue;
      this.#tick(entry, nowMs);
      this.#push(entry);
    }
    this.#plan();
  }

  #tick(entry: Entry, nowMs: number): void {
    try {
      entry.tick(nowMs);
    } catch (error) {
      this.#onError(error);
    }
    this.#advance(entry, nowMs);
  }

  #isDue(nowMs: number): boolean {
    const next = this.#heap[0];
    return next !== undefined && next.dueMs <= nowMs;
  }

  #advance(entry: Entry, nowMs: number): void {
    entry.dueMs += entry.periodMs;
    const behindTicks = Math.floor((nowMs - entry.dueMs) / entry.periodMs);
    const skipped = behindTicks - this.#options.maxCatchUpTicks;
    if (skipped <= 0) return;
    entry.dueMs += skipped * entry.periodMs;
    entry.onSkipped(skipped);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.dueMs <= entry.dueMs) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return top;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.dueMs < heap[child]!.dueMs) child++;
      if (heap[child]!.dueMs >= entry.dueMs) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}
