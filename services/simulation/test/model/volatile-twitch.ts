/** The volatile game of the model, in two versions. */

import type { GameDefinition } from '@breakwater/game-kit';
import { DEFAULT_OWNER_OPTIONS } from '../../src/domain/owner-types.ts';
import { game as newer } from '../newer-volatile-games/twitch/game.ts';
import { game as older } from '../volatile-games/twitch/game.ts';
import type { ModelGame } from './model-fleet.ts';

const twitch = older as unknown as GameDefinition;
export const nextTwitch = newer as unknown as GameDefinition;
/** What a crash may take: with less than in production more happens in a run. */
export const LOSS_MS = 300;
export const LOSS_TICKS = (LOSS_MS * twitch.tickHz) / 1_000;

export const TWITCH: ModelGame = {
  versions: [twitch, nextTwitch],
  options: {},
  owner: { ...DEFAULT_OWNER_OPTIONS, volatileLossMs: LOSS_MS, maxRestartsPerMinute: 1_000 },
};

/** Makes one step throw, of whichever owner comes first: nothing of it is in the game's state. */
export class Mine {
  isArmed = false;

  under(game: ModelGame): ModelGame {
    const [older, newer] = game.versions;
    return { ...game, versions: [this.#under(older), this.#under(newer)] };
  }

  #under(definition: GameDefinition): GameDefinition {
    const { hooks } = definition;
    const tick: typeof hooks.tick = (ctx) => {
      if (!this.isArmed) return hooks.tick?.(ctx);
      this.isArmed = false;
      throw new Error('the step throws as asked');
    };
    return { ...definition, hooks: { ...hooks, tick } };
  }
}
