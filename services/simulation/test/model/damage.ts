import { decodeSnapshot, encodeSnapshot } from '@breakwater/bus';
import type { MemoryChain } from '../memory-chain.ts';
import type { Damage } from './command.ts';

/** What becomes of a stored snapshot; `undefined`: it is gone. */
export function damaged(bytes: Uint8Array, how: Damage): Uint8Array | undefined {
  switch (how) {
    case 'bit':
      return bytes.map((byte, index) => (index === bytes.length >> 1 ? byte ^ 4 : byte));
    case 'cut':
      return bytes.slice(0, bytes.length >> 1);
    case 'future': {
      const decoded = decodeSnapshot(bytes);
      if (!decoded.ok) return bytes;
      return encodeSnapshot({ ...decoded.value, logSeq: decoded.value.logSeq + 1_000_000 });
    }
    case 'gone':
      return undefined;
    default:
      return how satisfies never;
  }
}

/**
 * Damages the newest snapshot, if it and the one before it are whole: one of two may rot, and the game must not be
 * lost. Both at once no two copies outlive.
 */
export function damageNewest(snapshots: MemoryChain, how: Damage): void {
  const [older, newest] = snapshots.archive.slice(-2);
  if (older === undefined || newest === undefined) return;
  const at = snapshots.records.indexOf(newest);
  if (at < 0 || !snapshots.records.includes(older)) return;
  const bytes = damaged(newest.bytes, how);
  snapshots.records.splice(at, 1, ...(bytes === undefined ? [] : [{ seq: newest.seq, bytes }]));
}
