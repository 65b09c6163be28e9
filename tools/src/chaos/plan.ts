/** Which faults a run inflicts, and when: decided by the seed alone, before anything is started. */

export const FAULT_KINDS = ['kill', 'pause', 'drain', 'cut', 'silence'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** Since the players were there, ms. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** `simulation-2`, `nats`, or `proxy-1` (before `edge-1`). */
  readonly target: string;
  /** How long it lasts: dead, paused, refusing or silent, ms. A drained process is started when it has ended. */
  readonly forMs: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly durationMs: number;
  /** Between the beginnings of two faults, on average, ms. */
  readonly everyMs: number;
  /** Instances by service, `nats` and `proxy` among them. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
}

interface Card {
  readonly service: string;
  readonly kind: FaultKind;
  readonly shortestMs: number;
  readonly longestMs: number;
}

const KILLED = { shortestMs: 200, longestMs: 3_000 } as const;
const PAUSED = { shortestMs: 1_000, longestMs: 6_000 } as const;
const DRAINED = { shortestMs: 200, longestMs: 1_500 } as const;

/** One of each before any comes again; those that move games twice. */
const DECK: readonly Card[] = [
  { service: 'simulation', kind: 'kill', ...KILLED },
  { service: 'simulation', kind: 'kill', ...KILLED },
  { service: 'simulation', kind: 'pause', ...PAUSED },
  { service: 'simulation', kind: 'pause', ...PAUSED },
  { service: 'simulation', kind: 'drain', ...DRAINED },
  { service: 'simulation', kind: 'drain', ...DRAINED },
  { service: 'matchmaker', kind: 'kill', ...KILLED },
  { service: 'matchmaker', kind: 'pause', ...PAUSED },
  { service: 'matchmaker', kind: 'drain', ...DRAINED },
  { service: 'chat', kind: 'kill', ...KILLED },
  { service: 'chat', kind: 'pause', ...PAUSED },
  { service: 'chat', kind: 'drain', ...DRAINED },
  { service: 'edge', kind: 'kill', ...KILLED },
  { service: 'edge', kind: 'pause', ...PAUSED },
  { service: 'edge', kind: 'drain', ...DRAINED },
  { service: 'nats', kind: 'kill', ...KILLED },
  { service: 'nats', kind: 'pause', shortestMs: 500, longestMs: 4_000 },
  { service: 'proxy', kind: 'cut', shortestMs: 0, longestMs: 1_500 },
  { service: 'proxy', kind: 'silence', shortestMs: 2_000, longestMs: 12_000 },
];

/** What a target needs to be well again, about, ms: it is left alone that long. */
const SETTLE_MS = { kill: 5_000, pause: 2_000, drain: 10_000, cut: 1_000, silence: 1_000 } as const;
const MIN_DISTANCE_MS = 1_000;
/** Faults that may last at the same time. */
const MAX_AT_ONCE = 2;
/** Towards the end nothing more is done, so that everything can recover while players are looking. */
const QUIET_SHARE = 0.2;
const MAX_QUIET_MS = 20_000;

/** Faults in the order of their times. The same options give the same plan. */
export function planFaults(options: PlanOptions): Fault[] {
  const random = randomOf(options.seed);
  const endMs = options.durationMs - Math.min(MAX_QUIET_MS, options.durationMs * QUIET_SHARE);
  const planner = new Planner(options.targets, random);
  const faults: Fault[] = [];
  let atMs = MIN_DISTANCE_MS;
  while (atMs < endMs) {
    const fault = planner.next(atMs);
    if (fault !== undefined && fault.atMs + fault.forMs <= endMs) faults.push(fault);
    if (fault === undefined) {
      atMs += MIN_DISTANCE_MS;
      continue;
    }
    const distanceMs = Math.min(4 * options.everyMs, -Math.log(1 - random()) * options.everyMs);
    atMs += Math.round(Math.max(MIN_DISTANCE_MS, distanceMs));
  }
  return faults;
}

class Planner {
  readonly #targets: PlanOptions['targets'];
  readonly #random: () => number;
  readonly #busyUntilMs = new Map<string, number>();
  #endsMs: number[] = [];
  #deck: Card[] = [];

  constructor(targets: PlanOptions['targets'], random: () => number) {
    this.#targets = targets;
    this.#random = random;
  }

  /** The next card that can be played now; undefined when too much is going on. */
  next(atMs: number): Fault | undefined {
    this.#endsMs = this.#endsMs.filter((endMs) => endMs > atMs);
    if (this.#endsMs.length >= MAX_AT_ONCE) return undefined;
    if (this.#deck.length === 0) this.#deck = this.#shuffled(DECK);
    for (const card of this.#deck) {
      const target = this.#targetOf(card, atMs);
      if (target === undefined) continue;
      this.#deck = this.#deck.filter((other) => other !== card);
      const { kind, shortestMs, longestMs } = card;
      const forMs = Math.round(shortestMs + this.#random() * (longestMs - shortestMs));
      this.#endsMs.push(atMs + forMs);
      this.#busyUntilMs.set(target, atMs + forMs + SETTLE_MS[kind]);
      return { atMs, kind, target, forMs };
    }
    return undefined;
  }

  /** One that is well, and not the last one of its service that is. */
  #targetOf({ service }: Card, atMs: number): string | undefined {
    const all = this.#targets[service] ?? [];
    const well = all.filter((name) => (this.#busyUntilMs.get(name) ?? 0) <= atMs);
    if (well.length < all.length && well.length < 2) return undefined;
    return well[Math.floor(this.#random() * well.length)];
  }

  #shuffled(cards: readonly Card[]): Card[] {
    const shuffled = [...cards];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = Math.floor(this.#random() * (index + 1));
      [shuffled[index], shuffled[other]] = [shuffled[other]!, shuffled[index]!];
    }
    return shuffled;
  }
}

/** Mulberry32: numbers from 0 up to 1 that the seed decides. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
