import type { ReplicaRow } from '@breakwater/client';
import type { Replay } from '../../games/replay.ts';
import type { Rule } from '../report.ts';
import type { GameRule } from './game-rule.ts';

interface Break {
  readonly by: number;
  readonly object: number;
  readonly xp: number;
}
type Fault = { readonly rule: Rule; readonly text: string };

/** Ticks until a broken object grows back, where a game does not say. */
const DEFAULT_REGROW_TICKS = 200;

/** The World: an object is broken by one player, who gets its XP; nobody gets XP otherwise. */
export class WorldRule implements GameRule {
  readonly #objects: ReadonlyMap<number, ReplicaRow>;
  readonly #regrowTicks: number;
  readonly #isAlive = new Map<number, boolean>();
  #breaks: Break[] = [];
  #fallen = new Set<number>();
  #regrown = new Set<number>();
  #gained = new Map<number, number>();
  readonly #left = new Set<number>();

  constructor(replay: Replay) {
    const { replica, details } = replay;
    const { regrowTicks } = details.options;
    this.#regrowTicks = typeof regrowTicks === 'number' ? regrowTicks : DEFAULT_REGROW_TICKS;
    const objects = replica.table('objects');
    this.#objects = objects.rows;
    for (const [id, row] of objects.rows) this.#isAlive.set(id, numberOf(row, 'hp') > 0);
    objects.on({
      inserted: (id, row) => void this.#isAlive.set(id, numberOf(row, 'hp') > 0),
      changed: (id, row, previous) => this.#objectChanged(id, row, previous),
    });
    replica.table('breaks').on({
      event: (row) => {
        this.#breaks.push({
          by: numberOf(row, 'by'),
          object: numberOf(row, 'object'),
          xp: numberOf(row, 'xp'),
        });
      },
    });
    replica.table('players').on({
      inserted: (pid, row) => void this.#gained.set(pid, numberOf(row, 'xp')),
      changed: (pid, row, { xp }) => {
        if (typeof xp === 'number') this.#gained.set(pid, numberOf(row, 'xp') - xp);
      },
      removed: (pid) => void this.#left.add(pid),
    });
  }

  *settle(ticks: number): Generator<Fault> {
    yield* this.#breakFaults(ticks);
    yield* this.#xpFaults();
    for (const object of this.#fallen) this.#isAlive.set(object, false);
    for (const object of this.#regrown)
      this.#isAlive.set(object, numberOf(this.#objects.get(object), 'hp') > 0);
    for (const { object } of this.#breaks)
      this.#isAlive.set(object, numberOf(this.#objects.get(object), 'hp') > 0);
    this.#breaks = [];
    this.#fallen = new Set();
    this.#regrown = new Set();
    this.#gained = new Map();
    this.#left.clear();
  }

  #objectChanged(id: number, row: ReplicaRow, previous: Partial<ReplicaRow>): void {
    if (typeof previous.hp === 'number' && previous.hp > 0 && row.hp === 0) this.#fallen.add(id);
    const grewElsewhere = previous.x !== undefined || previous.y !== undefined || previous.kind !== undefined;
    if (grewElsewhere || (previous.hp === 0 && row.hp !== 0)) this.#regrown.add(id);
  }

  *#breakFaults(ticks: number): Generator<Fault> {
    const byObject = Map.groupBy(this.#breaks, ({ object }) => object);
    for (const [object, breaks] of byObject) {
      // One delta may hold many ticks after a slow append: then an object can have grown back in between.
      const mostBreaks = 1 + Math.floor(ticks / this.#regrowTicks);
      const breakers = breaks.map(({ by }) => by);
      if (breaks.length > mostBreaks)
        yield oneBreaker(`object ${object} was broken by players ${breakers.join(' and ')} at once`);
      else if (this.#isAlive.get(object) !== true && !this.#regrown.has(object))
        yield oneBreaker(`object ${object} was broken by player ${breakers[0]} while it was broken`);
      const row = this.#objects.get(object);
      const shown = numberOf(row, 'brokenBy');
      if (numberOf(row, 'hp') === 0 && shown !== breakers.at(-1))
        yield oneBreaker(`object ${object} was broken by player ${breakers.at(-1)} and says ${shown}`);
    }
    for (const object of this.#fallen)
      if (!byObject.has(object)) yield oneBreaker(`object ${object} fell and nobody broke it`);
  }

  *#xpFaults(): Generator<Fault> {
    const earned = new Map<number, number>();
    for (const { by, xp } of this.#breaks) earned.set(by, (earned.get(by) ?? 0) + xp);
    for (const pid of new Set([...earned.keys(), ...this.#gained.keys()])) {
      if (this.#left.has(pid)) continue;
      const gained = this.#gained.get(pid) ?? 0;
      const due = earned.get(pid) ?? 0;
      if (gained !== due) yield { rule: 'xp', text: `player ${pid} gained ${gained} XP and earned ${due}` };
    }
  }
}

function oneBreaker(text: string): Fault {
  return { rule: 'one_breaker', text };
}

function numberOf(row: ReplicaRow | undefined, column: string): number {
  const value = row?.[column];
  return typeof value === 'number' ? value : 0;
}
