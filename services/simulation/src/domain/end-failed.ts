/** The `end` of a game that cannot go on and that nobody owns: a claim of its own, and the end behind it. */

import { decodeGameRecord, encodeGameRecord } from '@breakwater/bus';
import { recordHead } from './claim.ts';
import { encodeDetails, type GameDetails } from './game-factory.ts';
import { FAILED_REASON } from './owner-types.ts';
import type { ClockPort, LogPort, StoredRecord } from './ports.ts';
import { appendUntilSettled } from './settle.ts';

export interface FailedGame {
  readonly type: string;
  readonly schemaVersion: number;
  readonly details: GameDetails;
}

/** Who failed is not known any more. A claim like this has its `end` right behind it, or will get one: nobody owns it. */
export const NAMELESS: FailedGame = { type: '', schemaVersion: 0, details: { options: {}, seed: 0 } };

export interface EndFailedDeps {
  readonly log: LogPort;
  readonly clock: ClockPort;
  readonly random: () => number;
  readonly pod: string;
  /** New with every call. */
  readonly nonce: string;
}

const GIVE_UP_MS = 10_000;

/** Behind exactly this tail; a game that went on meanwhile is left alone. */
export async function endFailed(deps: EndFailedDeps, tail: StoredRecord, game: FailedGame): Promise<void> {
  const { log, clock, random, pod, nonce } = deps;
  const last = decodeGameRecord(tail.bytes);
  if (!last.ok || last.value.kind === 'end') return;
  const claim = { epoch: last.value.epoch + 1, nonce, n: 0 };
  const deadlineMs = clock.monotonicMs() + GIVE_UP_MS;
  const retry = { clock, random, isOver: () => clock.monotonicMs() >= deadlineMs };
  const bytes = encodeGameRecord({
    kind: 'claim',
    ...claim,
    pod,
    type: game.type,
    schemaVersion: game.schemaVersion,
    details: encodeDetails(game.details),
  });
  const claimed = await appendUntilSettled(
    log,
    { head: claim, bytes, expectedSeq: tail.seq },
    recordHead,
    retry,
  );
  if (claimed.kind !== 'stored') return;
  const end = { ...claim, n: 1 };
  const record = encodeGameRecord({ kind: 'end', ...end, reason: FAILED_REASON });
  await appendUntilSettled(log, { head: end, bytes: record, expectedSeq: claimed.seq }, recordHead, retry);
}
