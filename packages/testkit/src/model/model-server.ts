import { Link } from './link.ts';
import type { ModelClock, ProcessClock } from './model-clock.ts';

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

  /**
   * One request of a client, and its answer. `timeoutMs` is of the client's own clock.
   * @throws what `fail` makes of why there was no answer: none came in time, or the connection was reset
   */
  exchange<T>(
    { link, clock }: { readonly link: Link; readonly clock: ProcessClock },
    timeoutMs: number,
    serve: (answer: (value: T) => void) => void,
    fail: (why: string) => Error,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let isOpen = true;
    const settle = (how: () => void) => {
      if (!isOpen) return;
      isOpen = false;
      stopTimer();
      forgetCut();
      how();
    };
    const giveUp = (why: string) => settle(() => reject(fail(why)));
    const stopTimer = clock.after(timeoutMs, () => giveUp('no answer in time'));
    const forgetCut = link.onCut(() => clock.after(0, () => giveUp('the connection was reset')));
    link.up(() => serve((value) => link.down(() => settle(() => resolve(value)))));
    return promise;
  }

  #reconnect(link: Link): void {
    this.clock.after(20 + this.#random() * 130, () => {
      if (!this.#isDown) link.connect();
    });
  }
}
