/** Who is in a room, and who is typing there. */

import type { Person, Roster as RosterFrame } from '@breakwater/protocol';

export interface PeopleChange {
  readonly count: number;
  readonly joined: readonly Person[];
  readonly left: readonly string[];
}

export class Roster {
  #people = new Map<string, Person>();
  count = 0;
  isComplete = true;

  get people(): readonly Person[] {
    return [...this.#people.values()];
  }

  /** Replaces the roster; the change tells only the differences. */
  replace(frame: RosterFrame): PeopleChange {
    const before = this.#people;
    this.#people = new Map(frame.people.map((person) => [person.user, person]));
    this.count = frame.count;
    this.isComplete = frame.isComplete;
    return {
      count: frame.count,
      joined: frame.people.filter((person) => !before.has(person.user)),
      left: [...before.keys()].filter((user) => !this.#people.has(user)),
    };
  }

  change(count: number, joined: readonly Person[], left: readonly string[]): PeopleChange {
    const gone = left.filter((user) => this.#people.delete(user));
    const come = joined.filter((person) => !this.#people.has(person.user));
    for (const person of joined) this.#people.set(person.user, person);
    this.count = count;
    return { count, joined: come, left: gone };
  }
}

/** Marks that vanish by themselves, because the signal that ends one may be lost. At most `maxPeople` of them. */
export class TypingMarks {
  readonly #expiryMs: number;
  readonly #maxPeople: number;
  readonly #marks = new Map<string, { readonly person: Person; readonly untilMs: number }>();

  constructor(expiryMs: number, maxPeople = 100) {
    this.#expiryMs = expiryMs;
    this.#maxPeople = maxPeople;
  }

  get people(): readonly Person[] {
    return [...this.#marks.values()].map((mark) => mark.person);
  }

  /** When the next mark vanishes; undefined without marks. */
  get nextExpiryMs(): number | undefined {
    const times = [...this.#marks.values()].map((mark) => mark.untilMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** True if the list changed. */
  set(person: Person, isTyping: boolean, nowMs: number): boolean {
    const wasThere = this.#marks.delete(person.user);
    if (!isTyping) return wasThere;
    if (this.#marks.size >= this.#maxPeople) return false;
    this.#marks.set(person.user, { person, untilMs: nowMs + this.#expiryMs });
    return !wasThere;
  }

  /** True if a mark vanished. */
  expire(nowMs: number): boolean {
    const due = [...this.#marks].filter(([, mark]) => mark.untilMs <= nowMs);
    for (const [user] of due) this.#marks.delete(user);
    return due.length > 0;
  }

  clear(): boolean {
    const had = this.#marks.size > 0;
    this.#marks.clear();
    return had;
  }
}
