/** Decides about each binary frame of one game: apply, drop, or ask for full state. */

import type { GameDeltaFrame, GameFrame, GameStateFrame } from '@breakwater/protocol';

export type Verdict =
  | { readonly kind: 'drop' }
  /** A hole: only a new join helps. */
  | { readonly kind: 'hole' }
  | { readonly kind: 'state'; readonly frame: GameStateFrame }
  | { readonly kind: 'delta'; readonly frame: GameDeltaFrame; readonly slice: Uint8Array | undefined };

const DROP = { kind: 'drop' } as const;

export class GameFeed {
  #epoch = 0;
  #seq = 0;
  /** The newest epoch that a `game.owner` frame announced. */
  #announced = 0;
  #slice: { readonly epoch: number; readonly seq: number; readonly bytes: Uint8Array } | undefined;
  #needsState = true;

  get epoch(): number {
    return this.#epoch;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Full state is awaited: deltas cannot be applied. */
  get needsState(): boolean {
    return this.#needsState;
  }

  /** What was shown cannot be continued: deltas wait for the next full state. */
  awaitState(): void {
    this.#needsState = true;
    this.#slice = undefined;
  }

  /** `game.owner`: the claim itself is no delta, so the first one of this epoch need not follow the last of the old. */
  announce(epoch: number): void {
    this.#announced = Math.max(this.#announced, epoch);
  }

  accept(frame: GameFrame): Verdict {
    switch (frame.kind) {
      case 'state':
        return this.#isOld(frame, 1) ? DROP : { kind: 'state', frame };
      case 'slice':
        if (!this.#isOld(frame)) this.#slice = { epoch: frame.epoch, seq: frame.seq, bytes: frame.slice };
        return DROP;
      case 'delta':
        return this.#acceptDelta(frame);
      default:
        return frame satisfies never;
    }
  }

  /** The frame of the last verdict is in the replica. */
  applied(frame: GameStateFrame | GameDeltaFrame): void {
    this.#epoch = frame.epoch;
    this.#seq = frame.seq;
    this.#slice = undefined;
    this.#needsState = false;
  }

  #acceptDelta(frame: GameDeltaFrame): Verdict {
    if (this.#needsState || this.#isOld(frame)) return DROP;
    const isAnnounced = frame.epoch > this.#epoch && frame.epoch === this.#announced;
    // Behind what is shown even the first delta of a new owner goes on from something else.
    const isNext = frame.prev === this.#seq || (isAnnounced && frame.seq > this.#seq);
    if (!isNext) return { kind: 'hole' };
    const slice = this.#slice;
    const belongs = slice !== undefined && slice.epoch === frame.epoch && slice.seq === frame.seq;
    return { kind: 'delta', frame, slice: belongs ? slice.bytes : undefined };
  }

  /**
   * A lower epoch, or a sequence that was shown; `slack` 1 lets a state at the same place pass. A higher epoch is newer
   * whatever its sequence: a log that was put back from a backup has fallen back.
   */
  #isOld({ epoch, seq }: GameFrame, slack = 0): boolean {
    return epoch < this.#epoch || (epoch === this.#epoch && seq + slack <= this.#seq);
  }
}
