/** One subject of a JetStream stream in memory, and a way to it on which things go wrong. */

import type { AppendOutcome, ChainPort, ClockPort, StoredRecord } from '../src/domain/ports.ts';

/** Compare-and-append and prefix purge, as the real thing does them. */
export class MemoryChain {
  records: StoredRecord[] = [];
  /** Everything that was ever stored, purged or not. */
  readonly archive: StoredRecord[] = [];
  lastSeq = 0;
  /** Told of each record at the moment when it is stored. */
  onStored: (record: StoredRecord, before: StoredRecord | undefined) => void = () => undefined;

  apply(bytes: Uint8Array, expectedSeq: number): AppendOutcome {
    const tail = this.records.at(-1);
    if ((tail?.seq ?? 0) !== expectedSeq)
      return { kind: 'refused', cause: `wrong last sequence: ${tail?.seq ?? 0}` };
    this.lastSeq = this.seqOfNext(bytes);
    const record = { seq: this.lastSeq, bytes };
    this.records.push(record);
    this.archive.push(record);
    this.onStored(record, tail);
    return { kind: 'stored', seq: record.seq };
  }

  /** Other games share the stream, so sequences have gaps. */
  seqOfNext(bytes: Uint8Array): number {
    return this.lastSeq + 1 + (bytes.length % 3);
  }

  purgeBelow(seq: number): void {
    this.records = this.records.filter((record) => record.seq >= seq);
  }
}

/** `late`: doubt now, applied some time after if the expectation then holds. `in_process`: as a replicated stream refuses. */
const APPEND_FAULTS = ['ack_lost', 'lost', 'late', 'in_process', 'full'] as const;

export interface Weather {
  /** 0 to 1: how often an operation goes wrong. */
  trouble: number;
  readonly random: () => number;
}

/** The way of one process to the stream. */
export class Way {
  isDead = false;
  #paused: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  pause(): void {
    this.#paused ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  get isPaused(): boolean {
    return this.#paused !== undefined;
  }

  /** What comes back to a dead process never arrives; to a paused one later. */
  async back<T>(value: T | Promise<T>): Promise<T> {
    // What fails while the process stands still is noticed when it goes on.
    if (value instanceof Promise) value.catch(() => undefined);
    while (this.#paused !== undefined) await this.#paused.promise;
    return this.isDead ? new Promise<never>(() => undefined) : value;
  }
}

export function wayTo(chain: MemoryChain, clock: ClockPort, weather: Weather, way: Way): ChainPort {
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const isTrouble = () => weather.random() < weather.trouble;
  const readable = async () => {
    await wait(1 + weather.random() * 5);
    if (isTrouble()) throw new Error('no answer');
  };
  return {
    append: async (bytes, expectedSeq) => way.back(await append(chain, weather, wait, bytes, expectedSeq)),
    async tail() {
      await way.back(readable());
      return way.back(chain.records.at(-1));
    },
    async read(fromSeq, toSeq) {
      await way.back(readable());
      const found = chain.records.filter(({ seq }) => seq >= fromSeq && seq <= toSeq);
      return way.back(found.slice(0, 2 + Math.floor(weather.random() * 20)));
    },
    async purgeBelow(seq) {
      await way.back(readable());
      chain.purgeBelow(seq);
    },
  };
}

async function append(
  chain: MemoryChain,
  weather: Weather,
  wait: (ms: number) => Promise<void>,
  bytes: Uint8Array,
  expectedSeq: number,
): Promise<AppendOutcome> {
  const { random } = weather;
  await wait(1 + random() * 10);
  if (random() >= weather.trouble) return chain.apply(bytes, expectedSeq);
  const fault = APPEND_FAULTS[Math.floor(random() * APPEND_FAULTS.length)]!;
  switch (fault) {
    case 'ack_lost':
      chain.apply(bytes, expectedSeq);
      await wait(200);
      return { kind: 'doubt', cause: fault };
    case 'lost':
      await wait(200);
      return { kind: 'doubt', cause: fault };
    case 'late':
      void wait(random() * 1_500).then(() => chain.apply(bytes, expectedSeq));
      await wait(200);
      return { kind: 'doubt', cause: fault };
    case 'in_process':
      return { kind: 'refused', cause: fault };
    case 'full':
      return { kind: 'full', cause: fault };
    default:
      return fault satisfies never;
  }
}
