import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';
import { Deadline, untilAborted } from './deadline.ts';

/** What a part is told while it drains: when to be done, and a signal that fires when the time is over. */
export interface DrainContext {
  /** Aborted when the drain budget is used up; a part then returns as it is. */
  readonly signal: AbortSignal;
  /** What is left of the drain budget, never negative. */
  remainingMs(): number;
}

/** A part of a service. Parts start in the order of `add`, drain and stop in reverse. */
export interface Part {
  start?(): void | Promise<void>;
  /** Stops accepting, tells clients, finishes work. Only on a planned end (SIGTERM). */
  drain?(context: DrainContext): void | Promise<void>;
  /** Releases what the part holds. Always called for a part whose start was begun. */
  stop?(): void | Promise<void>;
}

export const LIFECYCLE_STATES = [
  'idle',
  'starting',
  'running',
  'draining',
  'stopping',
  'stopped',
  'failed',
] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

export interface LifecycleOptions {
  log: Logger;
  /** All of drain and stop, after a planned end. Default 25 s. */
  drainDeadlineMs?: number;
  /** All of a stop without drain, and what a drain leaves for stopping. Default 4 s. */
  stopDeadlineMs?: number;
  /** Pause between not-ready and the first drain. Default 0. */
  drainDelayMs?: number;
}

/** How a shutdown went: `clean` is false when the deadline was missed or a part threw. */
export interface ShutdownResult {
  readonly clean: boolean;
  readonly faults: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly part: Part;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Starts the parts of a service in order; drains and stops them in reverse under one deadline. */
export class Lifecycle {
  readonly #log: Logger;
  readonly #drainDeadlineMs: number;
  readonly #stopDeadlineMs: number;
  readonly #drainDelayMs: number;
  readonly #entries: Entry[] = [];
  readonly #lastWords: (() => void | Promise<void>)[] = [];
  #saying: Promise<unknown> | undefined;
  #begun = 0;
  #state: LifecycleState = 'idle';
  #starting: Promise<void> | undefined;
  #shutdown: Promise<ShutdownResult> | undefined;
  readonly #ended = new AbortController();

  constructor(options: LifecycleOptions) {
    this.#log = options.log;
    this.#drainDeadlineMs = options.drainDeadlineMs ?? 25_000;
    this.#stopDeadlineMs = options.stopDeadlineMs ?? 4_000;
    this.#drainDelayMs = options.drainDelayMs ?? 0;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Aborted when a shutdown begins: whatever waits during the start gives up. */
  get ending(): AbortSignal {
    return this.#ended.signal;
  }

  /** Registers a part; also while the parts before it are starting. */
  add(name: string, part: Part): void {
    if (this.#state !== 'idle' && this.#state !== 'starting')
      throw new Error(`part ${name} was added when ${this.#state}`);
    this.#entries.push({ name, part });
  }

  /** Called when the process has to end at once, by an uncaught exception: a word to others, nothing more. */
  addLastWord(say: () => void | Promise<void>): void {
    this.#lastWords.push(say);
  }

  /** Says them all, once, however often it is called; settles after `timeoutMs` at the latest and never rejects. */
  async sayLastWords(timeoutMs: number): Promise<void> {
    this.#saying ??= Promise.allSettled(this.#lastWords.map(async (say) => say()));
    await Promise.race([this.#saying, sleep(timeoutMs)]);
  }

  /** Starts every part in order. @throws what the failing part threw; call `shutdown` afterwards. */
  async start(): Promise<void> {
    if (this.#state !== 'idle') throw new Error(`lifecycle cannot start when ${this.#state}`);
    this.#state = 'starting';
    this.#starting = this.#startParts();
    await this.#starting;
  }

  async #startParts(): Promise<void> {
    for (const entry of this.#entries) {
      this.ending.throwIfAborted();
      this.#begun += 1;
      await untilAborted(entry.part.start?.(), this.ending);
    }
    if (this.#state === 'starting') this.#state = 'running';
  }

  /** Ends everything once; a second call gets the same result. */
  shutdown(options: { drain: boolean }): Promise<ShutdownResult> {
    this.#shutdown ??= this.#end(options.drain);
    return this.#shutdown;
  }

  async #end(drain: boolean): Promise<ShutdownResult> {
    const ran = this.#state === 'running';
    this.#state = drain && ran ? 'draining' : 'stopping';
    this.#ended.abort(new Error('shutting down'));
    await this.#starting?.catch(() => undefined);
    const faults: string[] = [];
    const deadlineMs = drain && ran ? this.#drainDeadlineMs : this.#stopDeadlineMs;
    using deadline = new Deadline(deadlineMs);
    if (drain && ran) await this.#drainParts(deadlineMs, faults);
    this.#state = 'stopping';
    await this.#stopParts(deadline.signal, faults);
    this.#state = faults.length === 0 ? 'stopped' : 'failed';
    return { clean: faults.length === 0, faults };
  }

  async #drainParts(deadlineMs: number, faults: string[]): Promise<void> {
    using budget = new Deadline(deadlineMs - Math.min(this.#stopDeadlineMs, deadlineMs / 2));
    const context: DrainContext = { signal: budget.signal, remainingMs: () => budget.remainingMs() };
    await untilAborted(sleep(this.#drainDelayMs), budget.signal).catch(() => undefined);
    for (const entry of this.#reversed()) {
      await this.#guard('drain', entry, budget.signal, faults, () => entry.part.drain?.(context));
    }
  }

  async #stopParts(deadline: AbortSignal, faults: string[]): Promise<void> {
    for (const entry of this.#reversed()) {
      await this.#guard('stop', entry, deadline, faults, () => entry.part.stop?.());
    }
  }

  #reversed(): Entry[] {
    return this.#entries.slice(0, this.#begun).reverse();
  }

  async #guard(
    step: string,
    entry: Entry,
    signal: AbortSignal,
    faults: string[],
    work: () => void | Promise<void>,
  ): Promise<void> {
    try {
      await untilAborted(work(), signal);
    } catch (cause) {
      const fault = `${step} of ${entry.name}: ${messageOf(cause)}`;
      faults.push(fault);
      this.#log.error({ part: entry.name, step, err: cause }, 'part did not end well');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown({ drain: false });
  }
}
