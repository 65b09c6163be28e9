/** Ledgers in memory for any number of games, with what must hold checked at the moment when a record is stored. */

import { awardId, decodeLedgerRecord, type LedgerRecord } from '@breakwater/bus';
import type { LedgerPorts, XpNotice } from '../src/domain/ledger.ts';
import type { ClockPort, StoredRecord } from '../src/domain/ports.ts';
import { Replay } from '../src/domain/replay.ts';
import { MemoryChain, type Way, type Weather, wayTo } from './memory-chain.ts';
import { type MemoryWorld, recordOf } from './memory-world.ts';

export function ledgerRecordOf(stored: StoredRecord): LedgerRecord {
  const decoded = decodeLedgerRecord(stored.bytes);
  if (!decoded.ok) throw decoded.error;
  return decoded.value;
}

export class MemoryLedgers {
  readonly violations: string[] = [];
  readonly notices: ({ readonly user: string } & XpNotice)[] = [];
  /** Nothing is answered, nothing is stored. */
  isDown = false;
  /** So many appends are stored and their answers lost. */
  acksToLose = 0;
  maxGames = 256;
  readonly #chains = new Map<string, MemoryChain>();
  readonly #logs = new Map<string, MemoryChain>();
  readonly #posted = new Set<string>();

  chainOf(user: string): MemoryChain {
    const known = this.#chains.get(user);
    if (known !== undefined) return known;
    const chain = new MemoryChain();
    chain.onStored = (record, before) => this.#check(user, record, before);
    this.#chains.set(user, chain);
    return chain;
  }

  logOf(game: string): MemoryChain {
    const known = this.#logs.get(game) ?? new MemoryChain();
    this.#logs.set(game, known);
    return known;
  }

  totalOf(user: string): number {
    const tail = this.#chains.get(user)?.records.at(-1);
    return tail === undefined ? 0 : ledgerRecordOf(tail).total;
  }

  /** Removes all but the newest `keep` records. */
  trim(user: string, keep = 1): void {
    const chain = this.chainOf(user);
    const first = chain.records.at(-keep);
    if (first !== undefined) chain.purgeBelow(first.seq);
  }

  ports(game: string, clock: ClockPort, weather: Weather, way: Way): LedgerPorts {
    return {
      game,
      maxGames: this.maxGames,
      of: (user) => {
        const chain = this.chainOf(user);
        const port = wayTo(chain, clock, weather, way);
        return {
          append: async (bytes, expectedSeq) => {
            if (this.isDown) return way.back({ kind: 'doubt' as const, cause: 'down' });
            if (this.acksToLose === 0) return port.append(bytes, expectedSeq);
            this.acksToLose -= 1;
            chain.apply(bytes, expectedSeq);
            return way.back({ kind: 'doubt' as const, cause: 'the answer is lost' });
          },
          tail: async () => {
            if (this.isDown) throw new Error('down');
            return port.tail();
          },
        };
      },
      gameTail: (other) => wayTo(this.logOf(other), clock, weather, way).tail(),
      notify: (user, notice) => void this.notices.push({ user, ...notice }),
    };
  }

  #check(user: string, stored: StoredRecord, before: StoredRecord | undefined): void {
    const record = ledgerRecordOf(stored);
    const total = before === undefined ? 0 : ledgerRecordOf(before).total;
    const sum = record.awards.reduce((all, { amount }) => all + amount, 0);
    if (record.total !== total + sum) this.violations.push('a total is not the one before and the awards');
    if (record.awards.length === 0) this.violations.push('a record without awards');
    for (const award of record.awards) {
      const id = `${user} ${awardId(record.game, award)}`;
      if (this.#posted.has(id)) this.violations.push(`${id} is counted twice`);
      this.#posted.add(id);
      const isInLog = this.logOf(record.game).archive.some((each) => {
        const { kind, epoch, n } = recordOf(each);
        return kind === 'delta' && epoch === award.epoch && n === award.n;
      });
      if (!isInLog) this.violations.push(`${id} is not in the log`);
    }
  }
}

/** What the log of a game has given each user, from its first record on. */
export function givenBy(
  world: Pick<MemoryWorld, 'factory'> & { readonly log: Pick<MemoryChain, 'archive'> },
): Map<string, number> {
  const given = new Map<string, number>();
  const seen = new Set<string>();
  const replay = new Replay(world.factory);
  for (const record of world.log.archive) {
    replay.apply(record);
    for (const award of replay.instance?.awards() ?? []) {
      const id = awardId('', award);
      if (seen.has(id)) continue;
      seen.add(id);
      given.set(award.user, (given.get(award.user) ?? 0) + award.amount);
    }
  }
  return given;
}
