import {
  awardId,
  type Covered,
  compareAwards,
  decodeLedgerRecord,
  type LedgerAward,
  type LedgerRecord,
} from '@breakwater/bus';
import { type GameAwards, isReadable } from './game-awards.ts';
import type { LedgerFindings } from './report.ts';

/** One record of the stream of ledgers. */
export interface StoredLedgerRecord {
  readonly user: string;
  readonly seq: number;
  readonly data: Uint8Array;
}

/** The ledger of one user, as far as it was read. */
interface Ledger {
  last: LedgerRecord;
  /** All records from the first one on are there. */
  readonly isWhole: boolean;
}

/** Holds ledgers against each other and against the logs of the games. */
export class LedgerCheck {
  readonly #games: ReadonlyMap<string, GameAwards>;
  readonly #hasEnded: (game: string) => Promise<boolean>;
  readonly #findings: LedgerFindings;
  readonly #ledgers = new Map<string, Ledger>();
  /** By award id: in whose ledger it is. */
  readonly #counted = new Map<string, string>();

  /**
   * @param games what the logs gave; read before the ledgers, so that what had left an outbox is in them
   * @param hasEnded asked about games that ended or were purged since
   */
  constructor(
    games: ReadonlyMap<string, GameAwards>,
    hasEnded: (game: string) => Promise<boolean>,
    findings: LedgerFindings,
  ) {
    this.#games = games;
    this.#hasEnded = hasEnded;
    this.#findings = findings;
  }

  /** The records of each user by rising sequence. */
  async take({ user, seq, data }: StoredLedgerRecord): Promise<void> {
    const decoded = decodeLedgerRecord(data);
    this.#findings.checked('ledger records');
    if (!decoded.ok) {
      this.#findings.violated('chain', user, `record ${seq} ${decoded.error.sentence}`);
      return;
    }
    const record = decoded.value;
    const ledger = this.#ledgers.get(user);
    if (ledger === undefined) this.#begin(user, seq, record);
    else {
      this.#followTotal(user, seq, ledger.last, record);
      await this.#followList(user, seq, ledger.last, record);
      ledger.last = record;
    }
    this.#checkOwnPlace(user, seq, record);
    for (const award of record.awards) this.#count(user, record.game, award);
  }

  /** After the last record: what the logs gave and no ledger has. */
  finish(): void {
    for (const [user, { last, isWhole }] of this.#ledgers) {
      this.#findings.checked('users');
      this.#findings.checked('XP', last.total);
      if (!isWhole) this.#findings.skipped('users whose oldest records are trimmed');
      if (last.total < 0) this.#findings.violated('chain', user, 'has less than nothing');
    }
    for (const game of this.#games.values()) this.#checkKept(game);
  }

  #begin(user: string, seq: number, record: LedgerRecord): void {
    const before = record.total - sumOf(record);
    if (before < 0)
      this.#findings.violated(
        'chain',
        user,
        `record ${seq} has a total of ${record.total}, less than its awards`,
      );
    this.#ledgers.set(user, { last: record, isWhole: before === 0 });
  }

  #followTotal(user: string, seq: number, last: LedgerRecord, record: LedgerRecord): void {
    const expected = last.total + sumOf(record);
    if (record.total !== expected)
      this.#findings.violated('chain', user, `record ${seq} has a total of ${record.total}, not ${expected}`);
  }

  async #followList(user: string, seq: number, last: LedgerRecord, record: LedgerRecord): Promise<void> {
    for (const before of last.covered) {
      if (before.game === record.game) {
        const [first] = record.awards;
        if (first !== undefined && compareAwards(first, before) <= 0)
          this.#findings.violated('once', user, `record ${seq} has ${awardId(before.game, first)} again`);
        continue;
      }
      const now = placeOf(record, before.game);
      if (now === undefined && !(await this.#isOver(before.game)))
        this.#findings.violated(
          'listed',
          user,
          `record ${seq} leaves out game ${before.game}, which goes on`,
        );
      if (now !== undefined && compareAwards(now, before) !== 0)
        this.#findings.violated('chain', user, `record ${seq} moves the place of game ${before.game}`);
    }
  }

  #checkOwnPlace(user: string, seq: number, record: LedgerRecord): void {
    const place = placeOf(record, record.game);
    const last = record.awards.at(-1);
    const isRising = record.awards.every(
      (award, index) => index === 0 || compareAwards(record.awards[index - 1]!, award) < 0,
    );
    if (place === undefined || last === undefined || compareAwards(place, last) !== 0 || !isRising)
      this.#findings.violated('chain', user, `record ${seq} does not list its own last award`);
  }

  #count(user: string, gameId: string, award: LedgerAward): void {
    const id = awardId(gameId, award);
    const other = this.#counted.get(id);
    if (other !== undefined) this.#findings.violated('once', id, `is in the ledgers of ${other} and ${user}`);
    this.#counted.set(id, user);
    const game = this.#games.get(gameId);
    const given = game?.given.get(id);
    if (given !== undefined) {
      this.#findings.checked('awards found in the logs');
      if (given.user !== user || given.amount !== award.amount)
        this.#findings.violated(
          'earned',
          id,
          `${given.amount} XP for ${given.user} in the log, ${award.amount} XP for ${user} in the ledger`,
        );
    } else if (game !== undefined && isReadable(game, award)) {
      this.#findings.violated('earned', id, `${award.amount} XP for ${user} that the log did not give`);
    } else {
      this.#findings.skipped(
        game === undefined
          ? 'awards of games whose logs are gone'
          : 'awards whose records are purged, do not fit or came later',
      );
    }
  }

  #checkKept({ game, given, pending, hasEnded }: GameAwards): void {
    for (const [id, { user, amount, place }] of given) {
      if (pending.has(id)) this.#findings.checked('awards that wait in an outbox');
      if (pending.has(id) || this.#counted.has(id)) continue;
      const ledger = this.#ledgers.get(user);
      const listed = ledger && placeOf(ledger.last, game);
      const isListed = listed === undefined ? hasEnded : compareAwards(place, listed) <= 0;
      if (ledger !== undefined && !ledger.isWhole && isListed)
        this.#findings.skipped('awards in the trimmed part of a ledger');
      else
        this.#findings.violated('kept', id, `${amount} XP for ${user} left the outbox and are in no ledger`);
    }
  }

  async #isOver(game: string): Promise<boolean> {
    return this.#games.get(game)?.hasEnded === true || (await this.#hasEnded(game));
  }
}

const sumOf = ({ awards }: LedgerRecord): number => awards.reduce((sum, { amount }) => sum + amount, 0);

const placeOf = (record: LedgerRecord, game: string): Covered | undefined =>
  record.covered.find((entry) => entry.game === game);
