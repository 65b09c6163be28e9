/** Players who have to join again because the game's owner changed, and do not. */

import type { GameInstance } from '@breakwater/game-kit';
import type { NonCommand } from './inputs.ts';
import type { Cancel, ClockPort } from './ports.ts';

/** Members of all edges join again within a few seconds; who has not by then is gone. */
const REJOIN_MS = 10_000;

/** What they were told to be connected by is over: after a while their sessions count as dropped. */
export function dropUnlessRejoined(
  clock: ClockPort,
  instance: GameInstance,
  receive: (input: NonCommand) => void,
): Cancel {
  const sessions = instance.sessions();
  return clock.after(REJOIN_MS, () => {
    for (const { pid, join } of sessions) receive({ kind: 'dropped', pid, join });
  });
}
