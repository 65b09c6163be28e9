/** Processes that get no further games, because they are about to be scaled away. What they host stays. */
export class Cordons {
  readonly #pods = new Set<string>();

  has(pod: string): boolean {
    return this.#pods.has(pod);
  }

  /** Exactly these are cordoned from now on. */
  replace(pods: Iterable<string>): void {
    const next = [...pods];
    this.#pods.clear();
    for (const pod of next) this.#pods.add(pod);
  }
}
