/** Processes that get no further games, because they are about to be scaled away. */
export class Cordons {
  readonly #pods = new Set<string>();
  readonly #toEmpty = new Set<string>();

  has(pod: string): boolean {
    return this.#pods.has(pod);
  }

  /** The leader moves the games of this process to others. */
  isToEmpty(pod: string): boolean {
    return this.#toEmpty.has(pod);
  }

  /** Exactly these are cordoned from now on, and the games of exactly those are moved. */
  replace(pods: Iterable<string>, toEmpty: Iterable<string> = []): void {
    refill(this.#pods, pods);
    refill(this.#toEmpty, toEmpty);
  }
}

function refill(set: Set<string>, pods: Iterable<string>): void {
  const next = [...pods];
  set.clear();
  for (const pod of next) set.add(pod);
}
