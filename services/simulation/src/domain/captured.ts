/** Full state, captured to be shown or stored. */

import type { RecordHead, Snapshot } from '@breakwater/bus';
import { type GameInstance, stateBytes } from '@breakwater/game-kit';
import { encodeDetails, type GameDetails, type GameFactory } from './game-factory.ts';
import type { OwnerEvents } from './owner-types.ts';
import type { Waiting } from './replies.ts';
import type { Restarts } from './restarts.ts';

export type EncodedState = ReturnType<GameInstance['encodeState']>;

interface Captured {
  readonly factory: GameFactory;
  readonly details: GameDetails;
  readonly restarts: Restarts;
}

/** A snapshot but for its place in the log. */
export function snapshotOf(
  { factory, details, restarts }: Captured,
  head: RecordHead,
  state: EncodedState,
  hash: number,
): Omit<Snapshot, 'logSeq'> {
  const { type, schemaVersion } = factory.definition;
  const text = encodeDetails({ ...details, restarts: restarts.recent(state.tick) });
  return { ...head, type, schemaVersion, details: text, tick: state.tick, hash, parts: state };
}

/** A state above the limit goes nowhere; whoever waits for it is told. */
export function isStateFit(
  { events, factory }: { readonly events: OwnerEvents; readonly factory: GameFactory },
  instance: GameInstance,
  state: EncodedState,
  takeWaiting: () => readonly Waiting[],
): boolean {
  const bytes = stateBytes(state);
  const maxBytes = factory.maxStateBytes;
  if (bytes <= maxBytes) return true;
  events.onStateTooLarge(bytes);
  for (const { input, pid, refusal } of takeWaiting()) {
    if (refusal !== undefined) {
      input.answer.error(refusal.code, refusal.text);
      continue;
    }
    if (input.kind === 'join' && pid !== 0) instance.disconnected(pid, input.join);
    input.answer.error('too_large', `the state of the game takes ${bytes} bytes, more than ${maxBytes}`);
  }
  return false;
}
