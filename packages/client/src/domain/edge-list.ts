/** Which edge to try next. */

interface Edge {
  readonly url: string;
  /** The edge asked not to be tried before, monotonic ms. */
  notBeforeMs: number;
  /** Order of the last try; 0 for never. */
  triedAt: number;
}

export interface EdgeChoice {
  readonly url: string;
  /** How long the edge still wants to be left alone, in ms. */
  readonly waitMs: number;
}

export class EdgeList {
  readonly #edges: Edge[];
  #good: Edge | undefined;
  #tries = 0;

  /** `urls` in any order: each client walks them in an order of its own. */
  constructor(urls: readonly string[], random: () => number) {
    this.#edges = shuffle([...new Set(urls)], random).map((url) => ({ url, notBeforeMs: 0, triedAt: 0 }));
  }

  get size(): number {
    return this.#edges.length;
  }

  /**
   * The edge that served last, if it was not tried since; else the one whose last try is longest ago, those first
   * that may be tried now. `avoid` is only chosen when it is the only one.
   */
  next(nowMs: number, avoid?: string): EdgeChoice {
    const open = this.#edges.filter((edge) => edge.url !== avoid);
    const candidates = open.length === 0 ? this.#edges : open;
    const chosen = candidates.reduce((best, edge) => (this.#isBetter(edge, best, nowMs) ? edge : best));
    chosen.triedAt = ++this.#tries;
    if (this.#good === chosen) this.#good = undefined;
    return { url: chosen.url, waitMs: Math.max(0, chosen.notBeforeMs - nowMs) };
  }

  /** It took the client: the next attempt begins with it. */
  succeeded(url: string): void {
    const edge = this.#find(url);
    if (edge === undefined) return;
    edge.notBeforeMs = 0;
    this.#good = edge;
  }

  /** It goes away or could not be used: the others come first. */
  failed(url: string, notBeforeMs = 0): void {
    const edge = this.#find(url);
    if (edge === undefined) return;
    edge.notBeforeMs = notBeforeMs;
    edge.triedAt = ++this.#tries;
    if (this.#good === edge) this.#good = undefined;
  }

  #find(url: string): Edge | undefined {
    return this.#edges.find((edge) => edge.url === url);
  }

  #isBetter(edge: Edge, than: Edge, nowMs: number): boolean {
    const [waits, thanWaits] = [edge.notBeforeMs > nowMs, than.notBeforeMs > nowMs];
    if (waits !== thanWaits) return thanWaits;
    if (waits) return edge.notBeforeMs < than.notBeforeMs;
    if (than === this.#good) return false;
    return edge === this.#good || edge.triedAt < than.triedAt;
  }
}

function shuffle<T>(items: T[], random: () => number): T[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
  return items;
}
