/** Which edges are alive, by their heartbeats. A lost edge has lost its players' connections. */

import type { ClockPort } from './ports.ts';

interface Heard {
  /** Unknown until the edge has spoken itself. */
  incarnation: string | undefined;
  atMs: number;
}

export interface EdgeWatchOptions {
  /** Silence after which an edge counts as lost, in ms. */
  readonly silentAfterMs: number;
  readonly maxEdges: number;
}

export class EdgeWatch {
  readonly #clock: ClockPort;
  readonly #options: EdgeWatchOptions;
  readonly #onLost: (edges: ReadonlySet<string>) => void;
  readonly #edges = new Map<string, Heard>();
  #checkedMs: number;

  constructor(clock: ClockPort, options: EdgeWatchOptions, onLost: (edges: ReadonlySet<string>) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#onLost = onLost;
    this.#checkedMs = clock.monotonicMs();
  }

  /** A heartbeat or delta. Another incarnation under the same name: the sessions of the one before are gone. */
  heard(edge: string, incarnation: string): void {
    const known = this.#edges.get(edge);
    if (known?.incarnation !== undefined && known.incarnation !== incarnation) this.#onLost(new Set([edge]));
    this.#note(edge, incarnation);
  }

  /** The edge says that it ends. */
  gone(edge: string, incarnation: string): void {
    const known = this.#edges.get(edge);
    if (known?.incarnation !== undefined && known.incarnation !== incarnation) return;
    this.#edges.delete(edge);
    this.#onLost(new Set([edge]));
  }

  /** These edges hold players: they must be heard from now on. */
  expect(edges: Iterable<string>): void {
    for (const edge of edges) if (edge !== '' && !this.#edges.has(edge)) this.#note(edge, undefined);
  }

  /** Nobody could be heard for a while: all get their time anew. */
  forgive(): void {
    const atMs = this.#clock.monotonicMs();
    for (const heard of this.#edges.values()) heard.atMs = atMs;
  }

  /** Regularly. After a stall of this process itself nobody is blamed. */
  check(): void {
    const nowMs = this.#clock.monotonicMs();
    const { silentAfterMs } = this.#options;
    if (nowMs - this.#checkedMs > silentAfterMs / 2) this.forgive();
    this.#checkedMs = nowMs;
    const lost = new Set<string>();
    for (const [edge, { atMs }] of this.#edges) if (nowMs - atMs >= silentAfterMs) lost.add(edge);
    for (const edge of lost) this.#edges.delete(edge);
    if (lost.size > 0) this.#onLost(lost);
  }

  #note(edge: string, incarnation: string | undefined): void {
    if (!this.#edges.has(edge) && this.#edges.size >= this.#options.maxEdges) return;
    this.#edges.set(edge, { incarnation, atMs: this.#clock.monotonicMs() });
  }
}
