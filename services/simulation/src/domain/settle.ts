/** One append, from the first try to the moment when it is certain what became of it. */

import type { RecordHead } from '@breakwater/bus';
import {
  type ChainPort,
  type ClockPort,
  type HeadOf,
  isSameHead,
  type StoredRecord,
  sleep,
} from './ports.ts';

export type Settled =
  | { readonly kind: 'stored'; readonly seq: number }
  /** Another record lies beyond the expected sequence: this one is not stored and never will be. */
  | { readonly kind: 'overtaken'; readonly tail: StoredRecord }
  /** The chain ends below the expected sequence and stays so: stored records are gone. */
  | { readonly kind: 'cut_back' }
  | { readonly kind: 'invalid'; readonly cause: string }
  /** `isOver` said so while it was still in doubt. */
  | { readonly kind: 'abandoned' };

export interface Retry {
  readonly clock: ClockPort;
  readonly random: () => number;
  /** Asked before every try: true gives up without knowing. */
  readonly isOver: () => boolean;
  /** Told of every answer that was not a plain yes, and of every read that failed. */
  readonly onTrouble?: ((cause: string) => void) | undefined;
  /** Told of every answer that there is no room. */
  readonly onFull?: ((cause: string) => void) | undefined;
  /** Reads of a chain that ends below the expected sequence, in a row, until that is the truth. */
  readonly maxCutBackReads?: number;
}

export interface PendingAppend {
  readonly head: RecordHead;
  readonly bytes: Uint8Array;
  readonly expectedSeq: number;
  readonly trace?: string | undefined;
}

/** What is given up for good takes two looks, this far apart. */
export const SECOND_LOOK_MS = 250;

const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;
/** A tail below the expected sequence is a stale read at first; this often in a row it is the truth. */
const MAX_CUT_BACK_READS = 30;

/** Doubled from 25 ms to a second, then shortened by up to a half. */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10)) * (1 - random() / 2);
}

/** What `read` gives, asked for until it does not throw; 'abandoned' when `isOver`. */
export async function untilRead<T>(read: () => Promise<T>, retry: Retry): Promise<T | 'abandoned'> {
  for (let attempt = 0; !retry.isOver(); attempt++) {
    try {
      return await read();
    } catch (cause) {
      retry.onTrouble?.(cause instanceof Error ? cause.message : String(cause));
      await sleep(retry.clock, backoffMs(attempt, retry.random));
    }
  }
  return 'abandoned';
}

/** The newest record, from the leader. */
export function readTail(port: ChainPort, retry: Retry): Promise<StoredRecord | undefined | 'abandoned'> {
  return untilRead(() => port.tail(), retry);
}

/**
 * Appends until it is certain. After any answer that is not a plain yes the tail decides: it is this record, so it
 * was stored; nothing lies beyond the expected sequence, so the identical record is appended again; else it lost.
 */
export async function appendUntilSettled(
  port: ChainPort,
  pending: PendingAppend,
  headOf: HeadOf,
  retry: Retry,
): Promise<Settled> {
  let cutBackReads = 0;
  for (let attempt = 0; !retry.isOver(); attempt++) {
    const outcome = await port.append(pending.bytes, pending.expectedSeq, pending.trace);
    if (outcome.kind === 'stored') return outcome;
    if (outcome.kind === 'invalid') return { kind: 'invalid', cause: outcome.cause };
    retry.onTrouble?.(outcome.cause);
    if (outcome.kind === 'full') retry.onFull?.(outcome.cause);
    const tail = await readTail(port, retry);
    if (tail === 'abandoned') break;
    if (tail !== undefined && isSameHead(headOf(tail.bytes), pending.head))
      return { kind: 'stored', seq: tail.seq };
    if (tail !== undefined && tail.seq > pending.expectedSeq) return { kind: 'overtaken', tail };
    cutBackReads = (tail?.seq ?? 0) < pending.expectedSeq ? cutBackReads + 1 : 0;
    if (cutBackReads >= (retry.maxCutBackReads ?? MAX_CUT_BACK_READS)) return { kind: 'cut_back' };
    await sleep(retry.clock, backoffMs(attempt, retry.random));
  }
  return { kind: 'abandoned' };
}
