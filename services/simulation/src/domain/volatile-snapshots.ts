/** The snapshots of a volatile game in the hands of its owner: each is all that a crash leaves of the game. */

import { encodeSnapshot, type Snapshot } from '@breakwater/bus';
import type { SnapshotPort } from './ports.ts';
import { appendUntilSettled, type Retry, readTail, type Settled } from './settle.ts';
import { readSnapshot } from './snapshots.ts';

export type Saved =
  | { readonly kind: 'stored'; readonly bytes: number }
  /** The chain holds one of a higher epoch: the game has another owner. */
  | { readonly kind: 'overtaken'; readonly epoch: number }
  /** One of an owner before came in between; the chain goes on behind it. */
  | { readonly kind: 'behind_another' }
  | { readonly kind: 'invalid'; readonly cause: string }
  | { readonly kind: 'abandoned' };

/** Stored ones between two trims: fewer requests, and still room below what a subject may hold. */
const TRIM_EVERY = 3;
/**
 * The game stands still for it, and a stale read that is taken for the truth does no harm: what is appended behind an
 * older one is refused where a newer one is.
 */
const MAX_CUT_BACK_READS = 3;

/**
 * One append at a time, behind the newest snapshot that was seen: nothing is read as long as nobody else writes.
 * The newest and the one before it are kept.
 */
export class VolatileSnapshots {
  readonly #port: SnapshotPort;
  /** Sequence of the newest one in the chain, 0 when it is empty. */
  #lastSeq: number;
  /** Those that are good, newest first. */
  #good: readonly number[];
  #sinceTrim = TRIM_EVERY;

  /** `goodSeq`: the one that the game was loaded from. */
  constructor(port: SnapshotPort, lastSeq: number, goodSeq: number | undefined) {
    this.#port = port;
    this.#lastSeq = lastSeq;
    this.#good = goodSeq === undefined ? [] : [goodSeq];
  }

  /** As far as is known here, the chain reaches to this sequence at least. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Stores it wherever the chain ends, unless a later owner's is there. Gives up only when the retry is over. */
  async save(snapshot: Snapshot, retry: Retry): Promise<Saved> {
    for (;;) {
      const saved = await this.saveFirst(snapshot, retry);
      if (saved.kind !== 'behind_another') return saved;
    }
  }

  /** Stores it exactly behind the newest one that was seen. */
  async saveFirst(snapshot: Snapshot, retry: Retry): Promise<Saved> {
    const bytes = encodeSnapshot(snapshot);
    const pending = { head: snapshot, bytes, expectedSeq: this.#lastSeq };
    const onFull = (cause: string) => {
      retry.onFull?.(cause);
      void this.#trim();
    };
    const patience = { ...retry, onFull, maxCutBackReads: MAX_CUT_BACK_READS };
    const settled = await appendUntilSettled(this.#port, pending, readSnapshot, patience);
    if (settled.kind !== 'stored') return this.#meet(settled, snapshot.epoch, retry);
    this.#lastSeq = settled.seq;
    this.#good = [settled.seq, ...this.#good.slice(0, 1)];
    this.#sinceTrim += 1;
    if (this.#sinceTrim >= TRIM_EVERY) void this.#trim();
    return { kind: 'stored', bytes: bytes.length };
  }

  async #meet(settled: Exclude<Settled, { kind: 'stored' }>, epoch: number, retry: Retry): Promise<Saved> {
    switch (settled.kind) {
      case 'overtaken': {
        const newest = readSnapshot(settled.tail.bytes)?.epoch ?? 0;
        this.#lastSeq = settled.tail.seq;
        return newest > epoch ? { kind: 'overtaken', epoch: newest } : { kind: 'behind_another' };
      }
      case 'cut_back': {
        // The chain lost its end. This one is newer than all that is left, so it goes there.
        const tail = await readTail(this.#port, retry);
        if (tail === 'abandoned') return { kind: 'abandoned' };
        this.#lastSeq = tail?.seq ?? 0;
        return { kind: 'behind_another' };
      }
      case 'invalid':
      case 'abandoned':
        return settled;
      default:
        return settled satisfies never;
    }
  }

  /** Keeps the two newest good ones and what came after. What fails here is done by the next one. */
  async #trim(): Promise<void> {
    const oldest = this.#good.at(-1);
    if (oldest === undefined) return;
    this.#sinceTrim = 0;
    try {
      await this.#port.purgeBelow(oldest);
    } catch {
      this.#sinceTrim = TRIM_EVERY;
    }
  }
}
