/** What a run of a volatile game is held against. */

import { decodeSnapshot, type Snapshot } from '@breakwater/bus';
import type { StoredRecord } from '../../src/domain/ports.ts';
import { chainFaults, recordOf } from './evidence.ts';
import { LOSS_TICKS } from './volatile-twitch.ts';
import type { LiveShown } from './volatile-watcher.ts';

export interface VolatileEvidence {
  /** Everything that was ever stored, as it was stored. */
  readonly records: readonly StoredRecord[];
  readonly snapshots: readonly StoredRecord[];
  /** By player: what was shown, in order. */
  readonly shown: ReadonlyMap<string, readonly LiveShown[]>;
  /** Epochs whose owners gave the game up in order, with time enough for it. */
  readonly leftInOrder: ReadonlySet<number>;
  /** How many snapshots may have been damaged: each lets the one before it count. */
  readonly damages: number;
}

/** Everything that is wrong, as sentences; none for a run that was safe. */
export function volatileFaultsOf(evidence: VolatileEvidence): string[] {
  const records = evidence.records.map(recordOf);
  const chain = chainFaults(records);
  if (chain.length > 0) return chain;
  const faults = [...evidence.shown].flatMap(([user, all]) =>
    viewFaults(all).map((fault) => `${user} ${fault}`),
  );
  return [...faults, ...pictureFaults(evidence), ...groundFaults(evidence), ...lossFaults(evidence)];
}

/** Places rise, no owner is shown again after a later one, and deltas are shown without a hole. */
function viewFaults(shown: readonly LiveShown[]): string[] {
  return shown.flatMap((each, index) => {
    const before = shown[index - 1];
    if (before === undefined) return each.kind === 'state' ? [] : ['was shown a delta before any state'];
    if (each.epoch < before.epoch) return [`was shown epoch ${each.epoch} after ${before.epoch}`];
    if (each.position < before.position)
      return [`was taken back from ${before.position} to ${each.position}`];
    if (each.kind === 'state' || each.position === before.position + 1) return [];
    return [`was shown a delta at ${each.position} behind ${before.position}`];
  });
}

/** Everybody who is shown a place is shown the same. */
function pictureFaults({ shown }: VolatileEvidence): string[] {
  const pictures = new Map<number, string>();
  const faults: string[] = [];
  for (const { position, tick, picture } of [...shown.values()].flat()) {
    const seen = `${tick} ${picture}`;
    const first = pictures.get(position) ?? seen;
    pictures.set(position, first);
    if (first !== seen) faults.push(`two pictures of ${position} were shown: ${first} and ${seen}`);
  }
  return faults;
}

/** Who shows anything has claimed the game, and stored it, before. */
function groundFaults({ records, snapshots, shown }: VolatileEvidence): string[] {
  const log = records.map(recordOf);
  const claimed = new Set(log.flatMap((each) => (each.kind === 'claim' ? [each.epoch] : [])));
  const stored = new Set(decoded(snapshots).map(({ epoch }) => epoch));
  const hasMarker = log.some(({ kind }) => kind === 'delta');
  return epochsOf(shown).flatMap((epoch) => [
    ...(claimed.has(epoch) ? [] : [`epoch ${epoch} was shown without a claim`]),
    ...(stored.has(epoch) ? [] : [`epoch ${epoch} was shown without a snapshot`]),
    ...(hasMarker ? [] : [`epoch ${epoch} was shown without the marker`]),
  ]);
}

/**
 * What a later owner began with, and what is stored in the end, is no further behind anything that an earlier one
 * showed than the promise allows; and behind nothing of one that gave the game up in order.
 */
function lossFaults({ snapshots, shown, leftInOrder, damages }: VolatileEvidence): string[] {
  const kept = decoded(snapshots);
  const starts = kept.filter(({ n }) => n === 0).map(({ epoch, tick }) => ({ epoch, tick }));
  const last = kept.at(-1);
  if (last !== undefined) starts.push({ epoch: Number.POSITIVE_INFINITY, tick: last.tick });
  const newest = newestTicks(shown);
  return [...newest].flatMap(([epoch, tick]) => {
    const allowed = (leftInOrder.has(epoch) ? 0 : LOSS_TICKS) + damages * LOSS_TICKS;
    return starts
      .filter((start) => start.epoch > epoch && tick - start.tick > allowed)
      .map(
        (start) =>
          `epoch ${start.epoch} began at ${start.tick}, ${epoch} had shown ${tick}, up to ${allowed}`,
      );
  });
}

function newestTicks(shown: VolatileEvidence['shown']): Map<number, number> {
  const newest = new Map<number, number>();
  for (const { epoch, tick } of [...shown.values()].flat())
    newest.set(epoch, Math.max(tick, newest.get(epoch) ?? 0));
  return newest;
}

const epochsOf = (shown: VolatileEvidence['shown']): number[] => [...newestTicks(shown).keys()];

const decoded = (snapshots: readonly StoredRecord[]): Snapshot[] =>
  snapshots.map(({ bytes }) => {
    const snapshot = decodeSnapshot(bytes);
    if (!snapshot.ok) throw snapshot.error;
    return snapshot.value;
  });
