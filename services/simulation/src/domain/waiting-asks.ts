/** Those who are owed committed state and are in no append yet. */

import { type Ask, AskQueue } from './ask-queue.ts';
import type { OwnerEvents, OwnerOptions } from './owner-types.ts';
import { type CapturedReplies, type Place, type Waiting, wantsState } from './replies.ts';

export interface WaitingAsksDeps {
  readonly options: Pick<OwnerOptions, 'maxInputs'>;
  readonly events: Pick<OwnerEvents, 'onJoined'>;
  /** Whether who asked this has asked again since, and is to be answered then. */
  readonly isAskedAgain: (ask: Ask) => boolean;
}

export class WaitingAsks {
  readonly #deps: WaitingAsksDeps;
  readonly #queue: AskQueue<Waiting>;

  constructor(deps: WaitingAsksDeps) {
    this.#deps = deps;
    this.#queue = new AskQueue(deps.options.maxInputs, ({ input }) => input);
  }

  get isEmpty(): boolean {
    return this.#queue.items.length === 0;
  }

  /** Not all of them are refused. */
  get wantState(): boolean {
    return this.#queue.items.some(wantsState);
  }

  /** Nobody is answered while the log cannot be reached, so those who wait are limited. */
  add(waiting: Waiting): void {
    if (!this.#queue.offer(waiting)) waiting.input.answer.error('busy', 'the game has too much to do');
  }

  take(): readonly Waiting[] {
    return this.#queue.take();
  }

  /** Lets captured answers out, but for those that nobody waits for any more. */
  release(replies: CapturedReplies, place: Place): void {
    const { isAskedAgain, events } = this.#deps;
    const isWanted = (ask: Ask) => !this.#queue.hasNewer(ask) && !isAskedAgain(ask);
    for (const { input, pid } of replies.release(place, isWanted))
      if (input.kind === 'join' && pid !== 0) events.onJoined(input.user);
  }
}
