/** The volatile game of the model. */

import type { GameDefinition } from '@breakwater/game-kit';
import { DEFAULT_OWNER_OPTIONS } from '../../src/domain/owner-types.ts';
import { game } from '../volatile-games/twitch/game.ts';
import type { ModelGame } from './model-fleet.ts';

const twitch = game as unknown as GameDefinition;
/** What a crash may take: with less than in production more happens in a run. */
export const LOSS_MS = 300;
export const LOSS_TICKS = (LOSS_MS * twitch.tickHz) / 1_000;

export const TWITCH: ModelGame = {
  versions: [twitch, twitch],
  options: {},
  owner: { ...DEFAULT_OWNER_OPTIONS, volatileLossMs: LOSS_MS, maxRestartsPerMinute: 1_000 },
};
