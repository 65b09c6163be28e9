/** Full state for joins and syncs: captured with an append's encoding, released when that append is stored. */

import { encodeStateReply, type StateParts } from '@breakwater/bus';
import type { GameInstance } from '@breakwater/game-kit';
import type { Ask } from './ask-queue.ts';
import type { AnswerError } from './inbox.ts';

const NOTHING = new Uint8Array(0);

/**
 * A join that took effect in memory, or a sync: waits for committed state. A refusal waits as well, because whoever
 * refuses may have lost the game without knowing, and the append tells.
 */
export interface Waiting {
  readonly input: Ask;
  /** 0 for a spectator, a sync or a refusal. */
  readonly pid: number;
  readonly refusal?: { readonly code: AnswerError; readonly text: string };
}

export const wantsState = ({ refusal }: Waiting): boolean => refusal === undefined;

export interface Place {
  readonly epoch: number;
  readonly seq: number;
  readonly pod: string;
  readonly schema: string;
  /** Only of a volatile game: its newest delta at the moment of encoding. */
  readonly liveN?: number;
}

/** Answers of one append; the acks are those of the moment of encoding. */
export class CapturedReplies {
  readonly #waiting: readonly Waiting[];
  readonly #acks: readonly number[];
  readonly #state: (StateParts & { readonly tick: number }) | undefined;

  /** `state` may be missing where nobody wants it. */
  constructor(
    waiting: readonly Waiting[],
    instance: GameInstance,
    state: (StateParts & { readonly tick: number }) | undefined,
  ) {
    this.#waiting = waiting;
    this.#acks = waiting.map(({ pid }) => (pid === 0 ? 0 : (instance.ackOf(pid) ?? 0)));
    this.#state = state;
  }

  /** @returns those who were answered: whom `isWanted` lets through */
  release(place: Place, isWanted: (ask: Ask) => boolean): Waiting[] {
    return this.#waiting.filter((waiting, index) => {
      const { input, pid, refusal } = waiting;
      if (!isWanted(input)) return false;
      if (refusal !== undefined) input.answer.error(refusal.code, refusal.text);
      else if (this.#state !== undefined)
        input.answer.state(this.#reply(place, input, pid, this.#acks[index]!, this.#state));
      return true;
    });
  }

  #reply(
    place: Place,
    input: Ask,
    pid: number,
    ack: number,
    state: StateParts & { readonly tick: number },
  ): Uint8Array {
    const isSync = input.kind === 'sync';
    const pids = isSync ? new Set(input.pids) : new Set([pid]);
    return encodeStateReply({
      epoch: place.epoch,
      seq: place.seq,
      tick: state.tick,
      pod: place.pod,
      join: isSync || input.spectate ? 0 : input.join,
      pid,
      ack,
      schema: place.schema,
      parts: {
        shared: state.shared,
        server: NOTHING,
        slices: state.slices.filter((slice) => pids.has(slice.pid)),
      },
      ...(place.liveN !== undefined && { liveN: place.liveN }),
    });
  }
}
