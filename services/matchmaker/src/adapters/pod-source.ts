import { type SimStatus, type Subjects, simStatus } from '@breakwater/bus';
import { decode } from '@breakwater/protocol';
import type { BusSubscription, NatsBus } from '@breakwater/service-kit';

export interface PodListener {
  /** A process says how it is. */
  status(status: SimStatus): void;
}

/** Where simulation processes are learned from. */
export interface PodSource {
  start(listener: PodListener): void | Promise<void>;
  stop(): void | Promise<void>;
}

/** Processes by their own heartbeats on the bus. */
export class HeartbeatPodSource implements PodSource {
  readonly #bus: NatsBus;
  readonly #subjects: Subjects;
  readonly #onMalformed: () => void;
  #subscription: BusSubscription | undefined;

  constructor(bus: NatsBus, subjects: Subjects, onMalformed: () => void) {
    this.#bus = bus;
    this.#subjects = subjects;
    this.#onMalformed = onMalformed;
  }

  start(listener: PodListener): void {
    this.#subscription = this.#bus.subscribe(this.#subjects.simStatus(), {}, (message) => {
      const status = decode(simStatus, message.json());
      if (status.ok) listener.status(status.value);
      else this.#onMalformed();
    });
  }

  stop(): void {
    this.#subscription?.unsubscribe();
  }
}
