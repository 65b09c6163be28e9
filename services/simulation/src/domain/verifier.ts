/** Development check: what is encoded must be all there is. */

import type { StateParts } from '@breakwater/bus';
import { GameError, type GameInstance, verifyInstance } from '@breakwater/game-kit';
import type { GameDetails, GameFactory } from './game-factory.ts';

/** Keeps a copy that knows the game only through its deltas, and compares. */
export class Verifier {
  readonly #factory: GameFactory;
  readonly #details: GameDetails;
  #copy: GameInstance | undefined;

  constructor(factory: GameFactory, details: GameDetails) {
    this.#factory = factory;
    this.#details = details;
  }

  /** After each delta. @throws GameError when the state does not survive its encoding */
  check(instance: GameInstance, delta: StateParts): void {
    verifyInstance(instance);
    if (this.#copy === undefined) {
      this.#copy = this.#factory.hydrate(this.#details, instance.encodeState());
      return;
    }
    this.#copy.applyDelta(delta);
    if (this.#copy.hash() === instance.hash()) return;
    throw new GameError('misuse', `the deltas of ${instance.definition.type} do not add up to its state`);
  }

  reset(): void {
    this.#copy = undefined;
  }
}
