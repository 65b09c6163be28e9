import { type PersonEntry, personKey, userId } from '@breakwater/bus';
import type { Bucket } from '@breakwater/service-kit';

export interface LastSeenOptions {
  readonly maxWaiting: number;
  readonly onDropped: () => void;
}

/** Writes at once to NATS. */
const WRITERS = 8;

/** Writes when people were last seen: the newest time of each, a few at once, never more than a bound waiting. */
export class LastSeen {
  readonly #bucket: Bucket<PersonEntry>;
  readonly #options: LastSeenOptions;
  readonly #waiting = new Map<string, PersonEntry>();
  readonly #writers = new Set<Promise<void>>();

  constructor(bucket: Bucket<PersonEntry>, options: LastSeenOptions) {
    this.#bucket = bucket;
    this.#options = options;
  }

  note(entry: PersonEntry): void {
    if (this.#waiting.size >= this.#options.maxWaiting && !this.#waiting.has(entry.user)) {
      this.#options.onDropped();
      return;
    }
    this.#waiting.set(entry.user, entry);
    if (this.#writers.size < WRITERS) this.#addWriter();
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#writers.size > 0) await Promise.all(this.#writers);
  }

  #addWriter(): void {
    const writer = this.#write().finally(() => this.#writers.delete(writer));
    this.#writers.add(writer);
  }

  async #write(): Promise<void> {
    for (let entry = this.#take(); entry !== undefined; entry = this.#take()) {
      const result = await this.#bucket.put(personKey(userId(entry.user)), entry);
      if (result.kind !== 'stored') this.#options.onDropped();
    }
  }

  #take(): PersonEntry | undefined {
    const next = this.#waiting.values().next();
    if (next.done) return undefined;
    this.#waiting.delete(next.value.user);
    return next.value;
  }
}
