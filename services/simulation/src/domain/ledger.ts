/**
 * Awards of one game into the ledger of one user: each of them once, whoever else writes there at the same moment.
 *
 * The newest record of a ledger lists, for each live game, its highest award that is part of the total, and awards
 * of a game are written in their order: so that one record says of any award whether it was counted. Only ended
 * games are left out of the list. A game that is not on it therefore looks at its own log after it has read the
 * ledger: as long as its own record is the newest there, it was never left out, and nothing of it was counted.
 */

import {
  type Covered,
  compareAwards,
  decodeGameRecord,
  decodeLedgerRecord,
  encodeLedgerRecord,
  type LedgerRecord,
  MAX_LEDGER_AWARDS,
  type RecordHead,
} from '@breakwater/bus';
import type { Award } from '@breakwater/game-kit';
import type { ChainPort, StoredRecord } from './ports.ts';

/** A new total, told to the user wherever the user is connected. */
export interface XpNotice {
  readonly total: number;
  readonly amount: number;
}

export interface LedgerPorts {
  /** The game that gives the awards. */
  readonly game: string;
  /** Live games that one record of a ledger lists at most. */
  readonly maxGames: number;
  /** The ledger of a user. Throws when `user` cannot have one. */
  of(user: string): Pick<ChainPort, 'append' | 'tail'>;
  /** The newest record of any game's log, from the leader; rejects when it cannot be asked. */
  gameTail(game: string): Promise<StoredRecord | undefined>;
  notify(user: string, notice: XpNotice): void;
}

export type Posted =
  /** All of them are part of `total`; `amount` is what was not, before. */
  | ({ readonly kind: 'posted' } & XpNotice)
  /** The log has another owner's record. */
  | { readonly kind: 'overtaken' }
  /** Nothing is certain: the same again, after a while. */
  | { readonly kind: 'later'; readonly cause: string }
  /** Nothing was added, and will not be before one of the user's other games ends. */
  | { readonly kind: 'crowded'; readonly cause: string };

export interface Posting {
  readonly ports: LedgerPorts;
  /** Who owns the game by its newest claim, as far as the caller knows. */
  readonly owner: Pick<RecordHead, 'epoch' | 'nonce'>;
  readonly random: () => number;
  readonly user: string;
  /** In the order in which they were given, up to `MAX_LEDGER_AWARDS`; none that comes after an unposted one. */
  readonly awards: readonly Award[];
}

/** Others write to the same ledger; this often in a row is not by chance. */
const MAX_TRIES = 8;
/** A list so long is worth looking for games that have ended, so many at a time; of a full one more. */
const PRUNE_ABOVE_GAMES = 8;
const PRUNED_AT_ONCE = 4;
const PRUNED_WHEN_FULL = 32;

/** Never rejects. Any two calls for the same game and user may overlap, in any two processes. */
export async function postAwards(posting: Posting): Promise<Posted> {
  try {
    return await tryPosting(posting);
  } catch (cause) {
    return { kind: 'later', cause: cause instanceof Error ? cause.message : String(cause) };
  }
}

async function tryPosting(posting: Posting): Promise<Posted> {
  const { ports, user, awards } = posting;
  const ledger = ports.of(user);
  let amount: number | undefined;
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const tail = await ledger.tail();
    const newest = tail && recordOf(tail.bytes);
    const fresh = uncovered(awards, ports.game, newest).slice(0, MAX_LEDGER_AWARDS);
    amount ??= sum(fresh);
    if (fresh.length === 0) return { kind: 'posted', total: newest?.total ?? 0, amount };
    const next = await following(posting, newest, fresh);
    if ('kind' in next) return next;
    const outcome = await ledger.append(encodeLedgerRecord(next), tail?.seq ?? 0);
    if (outcome.kind === 'stored') return { kind: 'posted', total: next.total, amount };
    if (outcome.kind === 'invalid' || outcome.kind === 'full') return { kind: 'later', cause: outcome.cause };
    // Refused or in doubt: what the ledger says now is what counts.
  }
  return { kind: 'later', cause: 'too many others write to this ledger' };
}

function recordOf(bytes: Uint8Array): LedgerRecord {
  const decoded = decodeLedgerRecord(bytes);
  if (!decoded.ok) throw new Error(`the newest record of the ledger ${decoded.error.sentence}`);
  return decoded.value;
}

function uncovered(
  awards: readonly Award[],
  game: string,
  newest: LedgerRecord | undefined,
): readonly Award[] {
  const covered = newest?.covered.find((entry) => entry.game === game);
  return covered === undefined ? awards : awards.filter((award) => compareAwards(award, covered) > 0);
}

async function following(
  posting: Posting,
  newest: LedgerRecord | undefined,
  fresh: readonly Award[],
): Promise<LedgerRecord | Exclude<Posted, { kind: 'posted' }>> {
  const { game } = posting.ports;
  const listed = newest?.covered ?? [];
  let others: readonly Covered[] = listed.filter((entry) => entry.game !== game);
  if (others.length === listed.length) {
    const right = await checkRight(posting);
    if (right !== undefined) return right;
    others = await withoutEnded(posting, others);
    if (others.length >= posting.ports.maxGames)
      return { kind: 'crowded', cause: 'the user has awards of too many games that have not ended' };
  }
  const { epoch, n, index } = fresh.at(-1)!;
  return {
    total: Math.min(Number.MAX_SAFE_INTEGER, (newest?.total ?? 0) + sum(fresh)),
    game,
    awards: fresh.map((award) => ({
      epoch: award.epoch,
      n: award.n,
      index: award.index,
      amount: award.amount,
    })),
    covered: [...others, { game, epoch, n, index }],
  };
}

/** Asked after the ledger was read: whoever left this game out of the list had seen its `end` in the log before. */
async function checkRight({
  ports,
  owner,
}: Posting): Promise<Exclude<Posted, { kind: 'posted' }> | undefined> {
  const tail = await ports.gameTail(ports.game);
  const decoded = tail && decodeGameRecord(tail.bytes);
  if (decoded === undefined || !decoded.ok)
    return { kind: 'later', cause: 'the newest record of the game cannot be read' };
  const { epoch, nonce, kind } = decoded.value;
  if (epoch === owner.epoch && nonce === owner.nonce && kind !== 'end') return undefined;
  if (epoch >= owner.epoch) return { kind: 'overtaken' };
  return { kind: 'later', cause: 'the log of the game ends before its newest claim' };
}

/** A part of a long list is looked at, from anywhere on. */
async function withoutEnded(
  { ports, random }: Posting,
  covered: readonly Covered[],
): Promise<readonly Covered[]> {
  const isFull = covered.length >= ports.maxGames;
  if (!isFull && covered.length < PRUNE_ABOVE_GAMES) return covered;
  const from = Math.floor(random() * covered.length);
  const some = [...covered.slice(from), ...covered].slice(0, isFull ? PRUNED_WHEN_FULL : PRUNED_AT_ONCE);
  const ended = new Set<string>();
  for (const { game } of new Set(some)) if (await isOver(ports, game)) ended.add(game);
  return covered.filter(({ game }) => !ended.has(game));
}

/** Its log has an `end`, or was purged long after it: nobody posts for it any more. */
async function isOver(ports: LedgerPorts, game: string): Promise<boolean> {
  const tail = await ports.gameTail(game);
  if (tail === undefined) return true;
  const decoded = decodeGameRecord(tail.bytes);
  return decoded.ok && decoded.value.kind === 'end';
}

const sum = (awards: readonly Award[]): number => awards.reduce((total, { amount }) => total + amount, 0);
