/**
 * Which edges are alive, by their heartbeats. A lost edge has lost its players' connections, as far as can be known;
 * if it is heard again as the same incarnation, it had only been cut off, and its sockets stayed.
 */

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

export interface EdgeEvents {
  onLost(edges: ReadonlySet<string>): void;
  onBack(edge: string): void;
}

export class EdgeWatch {
  readonly #clock: ClockPort;
  readonly #options: EdgeWatchOptions;
  readonly #events: EdgeEvents;
  readonly #edges = new Map<string, Heard>();
  /** Incarnations of edges that fell silent. */
  readonly #silent = new Map<string, string>();
  #checkedMs: number;

  constructor(clock: ClockPort, options: EdgeWatchOptions, events: EdgeEvents) {
    this.#clock = clock;
    this.#options = options;
    this.#events = events;
    this.#checkedMs = clock.monotonicMs();
  }

  /** A heartbeat or delta. Another incarnation under the same name: the sessions of the one before are gone. */
  heard(edge: string, incarnation: string): void {
    const known = this.#edges.get(edge);
    if (known?.incarnation !== undefined && known.incarnation !== incarnation) this.#lose(new Set([edge]));
    this.#note(edge, incarnation);
    const before = this.#silent.get(edge);
    if (before === undefined) return;
    this.#silent.delete(edge);
    if (before === incarnation) this.#events.onBack(edge);
  }

  /** The edge says that it ends. */
  gone(edge: string, incarnation: string): void {
    const known = this.#edges.get(edge);
    if (known?.incarnation !== undefined && known.incarnation !== incarnation) return;
    this.#edges.delete(edge);
    this.#silent.delete(edge);
    this.#lose(new Set([edge]));
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
    for (const edge of lost) this.#fallSilent(edge);
    if (lost.size > 0) this.#lose(lost);
  }

  #lose(edges: ReadonlySet<string>): void {
    this.#events.onLost(edges);
  }

  #fallSilent(edge: string): void {
    const incarnation = this.#edges.get(edge)?.incarnation;
    this.#edges.delete(edge);
    if (incarnation === undefined || this.#silent.size >= this.#options.maxEdges) return;
    this.#silent.set(edge, incarnation);
  }

  #note(edge: string, incarnation: string | undefined): void {
    if (!this.#edges.has(edge) && this.#edges.size >= this.#options.maxEdges) return;
    this.#edges.set(edge, { incarnation, atMs: this.#clock.monotonicMs() });
  }
}
