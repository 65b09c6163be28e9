/** A volatile game that threw is claimed again by the process that had it, for as long as nobody else comes first. */

import type { SimHosted } from '@breakwater/bus';
import { type ClockPort, sleep } from './ports.ts';

export interface AnewDeps {
  readonly clock: ClockPort;
  /** Different at every call. */
  readonly nonce: () => string;
  /** Claims the game with this nonce, or knows that claim when it is in the log already. */
  readonly host: (epoch: number, nonce: string) => Promise<SimHosted>;
  /** Somebody asked for the game meanwhile, or the process takes none any more. */
  readonly isSettled: () => boolean;
}

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** Between two looks at whether it is settled. */
const LOOK_MS = 500;

/**
 * Tries while the streams cannot be used. Whoever else claims the epoch first has the game; a claim of its own that
 * was given up in doubt, and stored late, is known by its nonce.
 * @returns the last answer; `undefined` when it was settled elsewhere
 */
export async function hostAnew(deps: AnewDeps, firstEpoch: number): Promise<SimHosted | undefined> {
  let epoch = firstEpoch;
  let nonce = deps.nonce();
  for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(2 * delayMs, MAX_RETRY_MS)) {
    const answer = await deps.host(epoch, nonce);
    if (answer.refusal !== 'unavailable') return answer;
    if (answer.epoch >= epoch) {
      // Its claim is in the log, and more of that hosting may come to be stored: the next one is another.
      epoch = answer.epoch + 1;
      nonce = deps.nonce();
    }
    if (await isSettledIn(deps, delayMs)) return undefined;
  }
}

async function isSettledIn({ clock, isSettled }: AnewDeps, delayMs: number): Promise<boolean> {
  for (let leftMs = delayMs; leftMs > 0 && !isSettled(); leftMs -= LOOK_MS)
    await sleep(clock, Math.min(leftMs, LOOK_MS));
  return isSettled();
}
