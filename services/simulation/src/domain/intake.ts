/** Everything that comes in for a game, from arrival until it is certainly stored. */

import type { GameInstance } from '@breakwater/game-kit';
import type { Ask } from './ask-queue.ts';
import { CommandJumps } from './command-jumps.ts';
import { type Answer, type CommandInput, type CommandOutcome, Inbox, type InboxLimits } from './inbox.ts';
import { applyInput, CutOff, type NonCommand, Unsaved } from './inputs.ts';
import type { Waiting } from './replies.ts';

export class Intake {
  readonly #inbox: Inbox;
  readonly #wait: (waiting: Waiting) => void;
  readonly #unsaved = new Unsaved();
  readonly #cutOff = new CutOff();
  readonly #jumps: CommandJumps | undefined;

  /** `wait` takes those who are owed state. `mayFallBack`: a crash may undo what players were told. */
  constructor(
    limits: InboxLimits,
    onCommand: (outcome: CommandOutcome) => void,
    wait: (waiting: Waiting) => void,
    mayFallBack = false,
  ) {
    this.#jumps = mayFallBack ? new CommandJumps() : undefined;
    this.#inbox = new Inbox(limits, onCommand, this.#jumps);
    this.#wait = (waiting) => {
      if (waiting.pid !== 0) this.#jumps?.joined(waiting.pid);
      wait(waiting);
    };
  }

  get isEmpty(): boolean {
    return this.#inbox.size === 0;
  }

  offer(input: NonCommand): void {
    this.#inbox.offer(input);
  }

  isAskedAgain(ask: Ask): boolean {
    return this.#inbox.isAskedAgain(ask);
  }

  command(instance: GameInstance, command: CommandInput): void {
    this.#inbox.offerCommand(instance, command);
  }

  /** Everything that arrived takes its effect. */
  drain(instance: GameInstance): void {
    this.#inbox.drain(instance, (input) => {
      this.#unsaved.add(input);
      applyInput(instance, input, this.#cutOff, this.#wait);
    });
  }

  /** An append is about to take along all effects so far; returns the trace that goes with it. */
  sending(): string | undefined {
    this.#unsaved.sent();
    return this.#inbox.takeTrace();
  }

  stored(): void {
    this.#unsaved.stored();
  }

  /** The effects in memory are gone: what caused them, but for commands, is to be applied once more. */
  restore(): void {
    this.#inbox.putBack(this.#unsaved.take());
    this.#cutOff.clear();
  }

  /** The game was loaded again. */
  reset(): void {
    this.#jumps?.clear();
  }

  /** Forgets what waits for players whose seats are gone. */
  tidy(instance: GameInstance): void {
    this.#inbox.forget(instance);
    this.#jumps?.forget(instance);
  }

  /** Nothing is applied any more; returns the answers that are owed. */
  takeAnswers(): readonly Answer[] {
    return this.#inbox.takeAnswers();
  }

  clear(): void {
    this.#inbox.clear();
  }
}
