/** Players who have to join again because the game's owner changed, and do not. */

import type { GameInstance } from '@breakwater/game-kit';
import type { NonCommand } from './inputs.ts';
import type { Cancel, ClockPort } from './ports.ts';

/** The sessions that a new owner finds are over: those that are not followed by another in time count as dropped. */
export function dropUnlessRejoined(
  clock: ClockPort,
  afterMs: number,
  instance: GameInstance,
  receive: (input: NonCommand) => void,
): Cancel {
  const sessions = instance.sessions();
  return clock.after(afterMs, () => {
    for (const { pid, join } of sessions) receive({ kind: 'dropped', pid, join });
  });
}
