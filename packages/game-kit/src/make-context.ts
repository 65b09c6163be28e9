import type { Awards } from './awards.ts';
import type { GameContext } from './context.ts';
import type { AnyContext } from './define.ts';
import { CommandRejected, GameError } from './errors.ts';
import type { Fields } from './fields.ts';
import { Random, type RandomWords } from './random.ts';
import type { Seats } from './seats.ts';
import { MAX_REASON_BYTES, type SystemTables } from './system-tables.ts';
import type { TableSpecs, TablesOf } from './table.ts';
import { isStorableText } from './text.ts';

/** The generator on top of the one row that holds its words, found when it is first needed. */
class LazyRandom {
  private readonly words: () => RandomWords;
  private random: Random | undefined;

  constructor(words: () => RandomWords) {
    this.words = words;
  }

  get(): Random {
    this.random ??= new Random(this.words());
    return this.random;
  }
}

function checkReason(reason: string): void {
  if (!isStorableText(reason, MAX_REASON_BYTES) || reason === '') {
    throw new GameError('bad_value', `a reason is a short code of at most ${MAX_REASON_BYTES} bytes`);
  }
}

function rejectWith(reason: string): never {
  checkReason(reason);
  throw new CommandRejected(reason);
}

function endGame(tables: TablesOf<SystemTables>, reason: string): void {
  checkReason(reason);
  const game = tables.$game.need(1);
  if (game.ended) return;
  game.ended = true;
  game.reason = reason;
}

/** What an instance shows to the author's hooks. */
export function makeContext(of: {
  readonly tables: TablesOf<SystemTables>;
  readonly seats: Seats;
  readonly awards: Awards;
  readonly options: AnyContext['options'];
  readonly tick: () => number;
}): AnyContext {
  const { tables, seats, awards, options, tick } = of;
  const random = new LazyRandom(() => tables.$random.need(1));
  const ctx: GameContext<TableSpecs, Fields> = {
    tables: tables as unknown as TablesOf<TableSpecs>,
    options,
    get random() {
      return random.get();
    },
    get tick() {
      return tick();
    },
    get players() {
      return seats.players();
    },
    player: (pid) => seats.player(pid),
    award: (pid, amount) => awards.give(pid, amount),
    get awardRoom() {
      return awards.room;
    },
    awardRoomOf: (pid) => awards.roomOf(pid),
    reject: rejectWith,
    end: (reason) => endGame(tables, reason),
  };
  return ctx;
}
