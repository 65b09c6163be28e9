import { Link } from './link.ts';
import type { ModelClock } from './model-clock.ts';

/** A NATS server in a model, as far as its connections go: it stands still, dies, comes back, and resets them. */
export class ModelServer {
  readonly clock: ModelClock;
  readonly #random: () => number;
  readonly #links = new Set<Link>();
  #isPaused = false;
  #isDown = false;

  /** @param random 0 to 1 */
  constructor(clock: ModelClock, random: () => number) {
    this.clock = clock;
    this.#random = random;
  }

  get isUp(): boolean {
    return !this.#isPaused && !this.#isDown;
  }

  newLink(): Link {
    const link = new Link(this.clock, this.#random, () => this.#isPaused);
    this.#links.add(link);
    return link;
  }

  /** Whose client is no more. */
  forget(link: Link): void {
    this.#links.delete(link);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const link of this.#links) link.pump();
  }

  /** Killed and started again on the same store: what was on its way is lost, what was stored stays. */
  restart(downMs: number): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#isPaused = false;
    for (const link of this.#links) link.cut();
    this.clock.after(downMs, () => {
      this.#isDown = false;
      for (const link of this.#links) this.#reconnect(link);
    });
  }

  /** One connection is reset; the client comes back by itself. */
  cut(link: Link): void {
    link.cut();
    if (!this.#isDown) this.#reconnect(link);
  }

  #reconnect(link: Link): void {
    this.clock.after(20 + this.#random() * 130, () => {
      if (!this.#isDown) link.connect();
    });
  }
}
