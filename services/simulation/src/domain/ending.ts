/** The end of a game, from the wish to the stored record. Nobody outside hears of it before. */

import type { Answer } from './inbox.ts';
import { FAILED_REASON, type StopReason } from './owner-types.ts';

/** Who asks while the end waits for the ledger is told so after this time. */
const PATIENCE_MS = 2_000;

export class Ending {
  readonly #maxAnswers: number;
  #sinceMs = 0;
  readonly #answers: Answer[] = [];
  #reason = '';
  #failure: string | undefined;

  constructor(maxAnswers: number) {
    this.#maxAnswers = maxAnswers;
  }

  /** `failure`: why it cannot go on; its members are told. */
  begin(nowMs: number, reason: string, failure?: string): void {
    this.#sinceMs = nowMs;
    this.#reason = reason;
    this.#failure = failure;
  }

  /** What the record says. A failed game is known by the word that its reason begins with. */
  get reason(): string {
    return this.#failure === undefined ? this.#reason : FAILED_REASON;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** It ended without a record of it. */
  fail(detail: string): void {
    this.#failure = detail;
  }

  /** Asked while the record is on its way: answered when it is stored, never if another owner was faster. */
  hold(answer: Answer): void {
    if (this.#answers.length < this.#maxAnswers) this.#answers.push(answer);
  }

  /** The record waits for the ledger, however long that takes: nobody is left without an answer for it. */
  excuse(nowMs: number): void {
    if (nowMs - this.#sinceMs < PATIENCE_MS) return;
    for (const answer of this.#answers.splice(0))
      answer.error('busy', 'the game is over, and waits until its awards are counted');
  }

  /** The record is stored. Returns what became of the game. */
  tell(): [StopReason, string] {
    const failure = this.#failure;
    for (const answer of this.#answers.splice(0)) {
      if (failure === undefined) answer.error('game_ended', 'the game has ended');
      else answer.error('game_failed', 'the game has failed and cannot go on');
    }
    return failure === undefined ? ['ended', this.#reason] : ['failed', failure];
  }
}
