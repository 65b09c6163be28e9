import type { Person } from '@breakwater/protocol';
import { TypingMarks } from './domain/roster.ts';
import type { Link } from './net/link.ts';
import type { Settings } from './runtime.ts';

/** The others see a typing mark for longer than this, so it is not sent more often. */
const REPEAT_MS = 3_000;

/** Who is typing in one room: the others, whose marks vanish by themselves, and oneself, told in good measure. */
export class RoomTyping {
  readonly #settings: Settings;
  readonly #marks: TypingMarks;
  readonly #onChange: (people: readonly Person[]) => void;
  #cancelExpiry: () => void = () => undefined;
  #isTyping = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(settings: Settings, onChange: (people: readonly Person[]) => void) {
    this.#settings = settings;
    this.#marks = new TypingMarks(settings.times.typingExpiryMs);
    this.#onChange = onChange;
  }

  get people(): readonly Person[] {
    return this.#marks.people;
  }

  /** Tells the others, unless they know. */
  say(link: Link, room: string, isTyping: boolean): void {
    const nowMs = this.#settings.clock.monotonicMs();
    const isKnown = isTyping === this.#isTyping && (!isTyping || nowMs - this.#toldAtMs < REPEAT_MS);
    if (isKnown || link.isCongested) return;
    this.#isTyping = isTyping;
    this.#toldAtMs = nowMs;
    link.send({ t: 'room.typing', room, on: isTyping });
  }

  /** A message of one's own ends typing for everybody. */
  sent(): void {
    this.#isTyping = false;
  }

  heard(person: Person, isTyping: boolean): void {
    if (this.#marks.set(person, isTyping, this.#settings.clock.monotonicMs())) this.#onChange(this.people);
    this.#plan();
  }

  end(): void {
    this.#cancelExpiry();
  }

  #plan(): void {
    this.#cancelExpiry();
    const dueMs = this.#marks.nextExpiryMs;
    if (dueMs === undefined) return;
    const { clock } = this.#settings;
    this.#cancelExpiry = clock.after(dueMs - clock.monotonicMs(), () => {
      if (this.#marks.expire(clock.monotonicMs())) this.#onChange(this.people);
      this.#plan();
    });
  }
}
