/** Full state for joins and syncs: captured with an append's encoding, released when that append is stored. */

import { encodeStateReply, type StateParts } from '@breakwater/bus';
import type { GameInstance } from '@breakwater/game-kit';
import type { JoinInput, SyncInput } from './inbox.ts';

const NOTHING = new Uint8Array(0);

/** A join that took effect in memory, or a sync: waits for committed state. */
export interface Waiting {
  readonly input: JoinInput | SyncInput;
  /** 0 for a spectator or a sync. */
  readonly pid: number;
}

export interface Place {
  readonly epoch: number;
  readonly seq: number;
  readonly pod: string;
  readonly schema: string;
}

/** Answers of one append; the acks are those of the moment of encoding. */
export class CapturedReplies {
  readonly waiting: readonly Waiting[];
  readonly #acks: readonly number[];
  readonly #state: StateParts & { readonly tick: number };

  constructor(
    waiting: readonly Waiting[],
    instance: GameInstance,
    state: StateParts & { readonly tick: number },
  ) {
    this.waiting = waiting;
    this.#acks = waiting.map(({ pid }) => (pid === 0 ? 0 : (instance.ackOf(pid) ?? 0)));
    this.#state = state;
  }

  release(place: Place): void {
    for (const [index, { input, pid }] of this.waiting.entries()) {
      const isSync = input.kind === 'sync';
      const pids = isSync ? new Set(input.pids) : new Set([pid]);
      const bytes = encodeStateReply({
        epoch: place.epoch,
        seq: place.seq,
        tick: this.#state.tick,
        pod: place.pod,
        join: isSync || input.spectate ? 0 : input.join,
        pid,
        ack: this.#acks[index]!,
        schema: isSync ? '' : place.schema,
        parts: {
          shared: this.#state.shared,
          server: NOTHING,
          slices: this.#state.slices.filter((slice) => pids.has(slice.pid)),
        },
      });
      input.answer.state(bytes);
    }
  }
}
