/** The right to a game: asked of the log's tail, taken by an append at exactly that sequence. */

import {
  type ClaimRecord,
  decodeGameRecord,
  encodeGameRecord,
  type GameRecord,
  type HostRefusal,
  type RecordHead,
} from '@breakwater/bus';
import { FAILED_REASON } from './owner-types.ts';
import { type LogPort, type StoredRecord, sleep } from './ports.ts';
import { appendUntilSettled, type Retry, readTail, SECOND_LOOK_MS } from './settle.ts';

export interface Refusal {
  readonly refusal: HostRefusal;
  /** Epoch of the log's tail, 0 when the log is empty. */
  readonly epoch: number;
  readonly detail?: string;
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly seq: number /** Tail before the claim. */; readonly after: number }
  | ({ readonly kind: 'refused' } & Refusal);

export const recordHead = (bytes: Uint8Array): RecordHead | undefined => {
  const decoded = decodeGameRecord(bytes);
  return decoded.ok ? decoded.value : undefined;
};

/** A claim of nobody, made only to put an `end` behind it. */
export const isNameless = (record: GameRecord | undefined): boolean =>
  record?.kind === 'claim' && record.type === '';

const CLAIM_KIND = 1;

/** Cheap for every record but claims: owners look at each record of their feed. */
export function isClaimAbove(record: Uint8Array, epoch: number): boolean {
  if (record[1] !== CLAIM_KIND) return false;
  const decoded = decodeGameRecord(record);
  return decoded.ok && decoded.value.kind === 'claim' && decoded.value.epoch > epoch;
}

/** Why a claim of `epoch` has no right behind this tail; `undefined` when it has. */
export function refuseBehind(tail: StoredRecord | undefined, epoch: number): Refusal | undefined {
  if (tail === undefined) {
    if (epoch === 1) return undefined;
    return { refusal: 'log_lost', epoch: 0, detail: 'the game had an owner before, but its log is empty' };
  }
  const decoded = decodeGameRecord(tail.bytes);
  if (!decoded.ok) {
    return {
      refusal: 'failed',
      epoch: 0,
      detail: `the newest record cannot be read: ${decoded.error.sentence}`,
    };
  }
  const record = decoded.value;
  if (record.kind === 'end') {
    return {
      refusal: record.reason === FAILED_REASON ? 'failed' : 'ended',
      epoch: record.epoch,
      detail: record.reason,
    };
  }
  if (isNameless(record))
    return {
      refusal: 'failed',
      epoch: record.epoch,
      detail: 'the game is over, and its end is yet to be stored',
    };
  if (record.epoch >= epoch) return { refusal: 'claimed', epoch: record.epoch };
  return undefined;
}

/**
 * The newest record, for a claim of `epoch`. A game that has none though it had an owner, or one that cannot be read,
 * is given up for good: a read that says so is not believed at once.
 */
export async function readTailForCertain(
  log: LogPort,
  epoch: number,
  retry: Retry,
): Promise<StoredRecord | undefined | 'abandoned'> {
  const tail = await readTail(log, retry);
  if (tail === 'abandoned') return tail;
  const isHopeless = tail === undefined ? epoch > 1 : recordHead(tail.bytes) === undefined;
  if (!isHopeless) return tail;
  await sleep(retry.clock, SECOND_LOOK_MS);
  return await readTail(log, retry);
}

/**
 * Appends the claim, checking the right to it again whenever the tail has moved on.
 *
 * `knownTailSeq`: the caller has applied the record at that sequence itself and seen that a claim behind it is
 * right. That is as good as having asked for the tail and heard an old answer: whether it still is the tail is
 * proven by the append alone.
 */
export async function claimGame(
  log: LogPort,
  claim: ClaimRecord,
  retry: Retry,
  knownTailSeq?: number,
): Promise<ClaimResult> {
  const bytes = encodeGameRecord(claim);
  let after = knownTailSeq ?? placeBehind(await readTailForCertain(log, claim.epoch, retry), claim.epoch);
  for (;;) {
    if (typeof after !== 'number') return after;
    const pending = { head: claim, bytes, expectedSeq: after };
    const settled = await appendUntilSettled(log, pending, recordHead, retry);
    switch (settled.kind) {
      case 'stored':
        return { kind: 'claimed', seq: settled.seq, after };
      case 'overtaken':
        after = placeBehind(settled.tail, claim.epoch);
        break;
      case 'cut_back':
        return { kind: 'refused', refusal: 'log_lost', epoch: 0, detail: 'records of the log are gone' };
      case 'invalid':
        return unavailable(settled.cause);
      case 'abandoned':
        return unavailable('the claim could not be settled in time');
      default:
        return settled satisfies never;
    }
  }
}

/** The sequence that a claim has to follow, or why it must not. */
function placeBehind(tail: StoredRecord | undefined | 'abandoned', epoch: number): number | ClaimResult {
  if (tail === 'abandoned') return unavailable('the log could not be read in time');
  const refusal = refuseBehind(tail, epoch);
  return refusal === undefined ? (tail?.seq ?? 0) : { kind: 'refused', ...refusal };
}

function unavailable(detail: string): ClaimResult {
  return { kind: 'refused', refusal: 'unavailable', epoch: 0, detail };
}
