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
  #isChecking = false;

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
      this.#clock.every(this.#checkMs, () => void this.#check()),
    ];
  }

  /**
   * Silence counts only while the server answers us: by then everything that it had for us before is handled, and
   * a server that stands still makes nobody lost.
   */
  async #check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      await this.#nats.flush(this.#checkMs);
      this.#watch.check();
    } catch {
      this.#watch.forgive();
    } finally {
      this.#isChecking = false;
    }
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    for (const cancel of this.#cancels) cancel();
  }
}
