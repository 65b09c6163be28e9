import { type AwardPlace, awardId, compareAwards } from '@breakwater/bus';
import type { RecordSource } from '../check-logs/sources.ts';
import type { Definitions } from '../games/definitions.ts';
import { isVolatileLog } from '../games/volatile.ts';
import { firstOf, readSnapshots, type Start, type Step, startsOf, walk } from '../games/walk.ts';

export interface GivenAward {
  readonly place: AwardPlace;
  readonly user: string;
  readonly amount: number;
}

/** What the log of one game gave, as far as it can still be read. */
export interface GameAwards {
  readonly game: string;
  /** By award id. */
  readonly given: ReadonlyMap<string, GivenAward>;
  /** Ids of those in the outbox after the last record: whether they are counted cannot be known. */
  readonly pending: ReadonlySet<string>;
  /** Everything that was given from here on is in `given`. */
  readonly from: AwardPlace;
  /** The last record that was read. */
  readonly to: AwardPlace;
  readonly hasEnded: boolean;
  /** A record before `from` does not fit: what was given before it is not in `given`. */
  readonly isCut: boolean;
}

const BEGINNING: AwardPlace = { epoch: 0, n: 0, index: 0 };

/** Replays a log. @returns why that is not possible, in the words of a report */
export async function readGameAwards(
  game: string,
  source: RecordSource,
  definitions: Definitions,
): Promise<GameAwards | string> {
  if (await isVolatileLog(source.game(game))) return 'volatile games, which give no awards';
  const first = await firstOf(source.game(game));
  if (first === undefined) return 'games without a log';
  const { starts } = startsOf(first, await readSnapshots(game, source), definitions);
  const usable = starts.filter(isUsable);
  for (const [index, start] of usable.entries()) {
    const reading = await readFrom(start, game, source);
    if (reading !== undefined) return reading.result(index > 0);
  }
  return usable.length > 0
    ? 'games with a record that does not fit (see "games replay")'
    : 'games that cannot be replayed here';
}

/** Undefined when a record does not fit: what lies behind a later snapshot may still do. */
async function readFrom(start: Start, game: string, source: RecordSource): Promise<Reading | undefined> {
  const reading = new Reading(game);
  for await (const step of walk(source.game(game), start)) {
    if (step.seq < start.seq) continue;
    if (step.fault !== undefined) return undefined;
    reading.take(step);
  }
  return reading;
}

function isUsable(start: Start): boolean {
  try {
    start.begin();
    return true;
  } catch {
    return false;
  }
}

class Reading {
  readonly #game: string;
  readonly #given = new Map<string, GivenAward>();
  #pending: ReadonlySet<string> = new Set();
  #from: AwardPlace | undefined;
  #to: AwardPlace = BEGINNING;
  #hasEnded = false;

  constructor(game: string) {
    this.#game = game;
  }

  take({ record, replay }: Step): void {
    if (record === undefined) return;
    const { epoch, n } = record;
    const isFirstClaim = record.kind === 'claim' && epoch === 1 && this.#from === undefined;
    this.#from ??= isFirstClaim ? BEGINNING : { epoch, n: n + 1, index: 0 };
    this.#to = { epoch, n, index: Number.MAX_SAFE_INTEGER };
    this.#hasEnded ||= record.kind === 'end';
    const outbox = replay?.awards() ?? [];
    for (const award of outbox) {
      const place = { epoch: award.epoch, n: award.n, index: award.index };
      this.#given.set(awardId(this.#game, place), { place, user: award.user, amount: award.amount });
    }
    this.#pending = new Set(outbox.map((award) => awardId(this.#game, award)));
  }

  result(isCut: boolean): GameAwards {
    return {
      game: this.#game,
      given: this.#given,
      pending: this.#pending,
      from: this.#from ?? BEGINNING,
      to: this.#to,
      hasEnded: this.#hasEnded,
      isCut,
    };
  }
}

/** An award with this place would be in `given`. */
export const isReadable = ({ from, to }: GameAwards, place: AwardPlace): boolean =>
  compareAwards(place, from) >= 0 && compareAwards(place, to) <= 0;
