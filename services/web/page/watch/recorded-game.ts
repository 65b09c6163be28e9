/** A recorded game in the shape in which the canvas knows a joined one: forward by deltas, elsewhere by a state. */

import { Replica } from '@breakwater/client';
import type { ShownGame } from '../world/shown-game.ts';
import { bytesOf, type Recording } from './recording.ts';

type Listener = () => void;

export class RecordedGame implements ShownGame {
  readonly pid = undefined;
  readonly recording: Recording;
  readonly replica: Replica;
  readonly #listeners = { state: new Set<Listener>(), delta: new Set<Listener>() };
  #index = -1;

  constructor(recording: Recording) {
    this.recording = recording;
    this.replica = new Replica(recording.schema);
    this.seek(0);
  }

  get tickHz(): number {
    return this.recording.tickHz;
  }

  /** The frame that is shown. */
  get index(): number {
    return this.#index;
  }

  get length(): number {
    return this.recording.frames.length;
  }

  on(event: 'state' | 'delta', listener: Listener): () => void {
    this.#listeners[event].add(listener);
    return () => void this.#listeners[event].delete(listener);
  }

  /** Nobody plays what is over. */
  command(): never {
    throw new Error('a recorded game takes no commands');
  }

  /** Shows the next frame. @returns false at the end */
  step(): boolean {
    if (this.#index + 1 >= this.length) return false;
    this.#apply(this.#index + 1);
    for (const listener of this.#listeners.delta) listener();
    return true;
  }

  /** Shows any frame: from the nearest full state before it. */
  seek(index: number): void {
    const target = Math.min(Math.max(0, index), this.length - 1);
    if (target === this.#index + 1 && this.#index >= 0) {
      this.step();
      return;
    }
    if (target === this.#index) return;
    const state = this.recording.states.findLast(({ frame }) => frame <= target);
    if (state === undefined) throw new Error('the recording has no state to begin with');
    if (target < this.#index || state.frame > this.#index || this.#index < 0) {
      this.replica.applyState(bytesOf(state.bytes));
      this.#index = state.frame;
    }
    while (this.#index < target) this.#apply(this.#index + 1);
    for (const listener of this.#listeners.state) listener();
  }

  #apply(index: number): void {
    this.replica.applyDelta(bytesOf(this.recording.frames[index]!.delta));
    this.#index = index;
  }
}
