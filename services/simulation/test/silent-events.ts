import type { OwnerEvents } from '../src/domain/owner-types.ts';

const nothing = (): undefined => undefined;

/** Nobody listens; a test puts its own ears over those that it looks at. */
export const SILENT_EVENTS: OwnerEvents = {
  onAppend: nothing,
  onLive: nothing,
  onTrouble: nothing,
  onBadStart: nothing,
  onCommand: nothing,
  onFrozen: nothing,
  onThawed: nothing,
  onFull: nothing,
  onSnapshot: nothing,
  onAwards: nothing,
  onAwardTrouble: nothing,
  onRestart: nothing,
  onStateTooLarge: nothing,
  onJoined: nothing,
  onState: nothing,
  onStopped: nothing,
};
