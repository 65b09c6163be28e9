import { matchHeartbeat, type Subjects } from '@breakwater/bus';
import { decode } from '@breakwater/protocol';
import type { BusSubscription, Clock, NatsBus } from '@breakwater/service-kit';

export interface HeartbeatListener {
  /** Our own came back: what others sent meanwhile would have come, too. */
  echo(): void;
  /** Another replica's. */
  peer(matchmaker: string): void;
}

/** Sends this replica's heartbeat and hears it back, with those of the others. */
export class Heartbeat {
  readonly #bus: NatsBus;
  readonly #subjects: Subjects;
  readonly #clock: Clock;
  readonly #self: string;
  readonly #intervalMs: number;
  #subscription: BusSubscription | undefined;
  #cancel: (() => void) | undefined;
  #n = 0;

  constructor(bus: NatsBus, subjects: Subjects, clock: Clock, self: string, intervalMs: number) {
    this.#bus = bus;
    this.#subjects = subjects;
    this.#clock = clock;
    this.#self = self;
    this.#intervalMs = intervalMs;
  }

  start(listener: HeartbeatListener): void {
    this.#subscription = this.#bus.subscribe(this.#subjects.matchHeartbeat(), {}, (message) => {
      const heard = decode(matchHeartbeat, message.json());
      if (!heard.ok) return;
      if (heard.value.matchmaker === this.#self) listener.echo();
      else listener.peer(heard.value.matchmaker);
    });
    this.#cancel = this.#clock.every(this.#intervalMs, () => this.#send());
    this.#send();
  }

  stop(): void {
    this.#cancel?.();
    this.#subscription?.unsubscribe();
  }

  #send(): void {
    this.#n += 1;
    this.#bus.publish(this.#subjects.matchHeartbeat(), { matchmaker: this.#self, n: this.#n });
  }
}
