import { edgePresence, type Subjects } from '@breakwater/bus';
import type { BusSubscription, Cancel, Clock, NatsBus } from '@breakwater/service-kit';
import type { EdgeWatch } from '../domain/edge-watch.ts';

/** Hears which edges live. */
export class EdgePresence {
  readonly #nats: NatsBus;
  readonly #subjects: Subjects;
  readonly #clock: Clock;
  readonly #watch: EdgeWatch;
  readonly #checkMs: number;
  readonly #onBadInput: () => void;
  #subscription: BusSubscription | undefined;
  #cancels: Cancel[] = [];

  constructor(
    nats: NatsBus,
    subjects: Subjects,
    clock: Clock,
    watch: EdgeWatch,
    checkMs: number,
    onBadInput: () => void,
  ) {
    this.#nats = nats;
    this.#subjects = subjects;
    this.#clock = clock;
    this.#watch = watch;
    this.#checkMs = checkMs;
    this.#onBadInput = onBadInput;
  }

  start(): void {
    this.#subscription = this.#nats.subscribe(this.#subjects.allEdgePresence(), {}, (message) => {
      try {
        const heard = edgePresence(message.json());
        if (heard.kind === 'gone') this.#watch.gone(heard.edge, heard.incarnation);
        else this.#watch.heard(heard.edge, heard.incarnation);
      } catch {
        this.#onBadInput();
      }
    });
    this.#cancels = [
      this.#nats.onReconnect(() => this.#watch.forgive()),
      this.#clock.every(this.#checkMs, () =>
        this.#nats.isConnected ? this.#watch.check() : this.#watch.forgive(),
      ),
    ];
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    for (const cancel of this.#cancels) cancel();
  }
}
