/** What edges send to the owner of a game on `game.<p>.<game>.in`. JSON; joins and syncs are requests. */

import {
  array,
  boolean,
  type Decoded,
  id,
  int,
  json,
  literal,
  loose,
  optional,
  record,
  string,
  tagged,
} from '@breakwater/protocol';

const text = string();

export const gameInput = tagged('kind', {
  /**
   * Answered by a state record (`decodeStateReply`), or by a JSON error reply. One that is sent again, before it was
   * answered, by the same edge for the same session is answered instead of the one before.
   */
  join: loose({
    kind: literal('join'),
    edge: id,
    session: id,
    user: id,
    name: text,
    join: int(1),
    spectate: boolean(),
  }),
  leave: loose({ kind: literal('leave'), pid: int(1), join: int(1) }),
  /** The socket is gone without a leave: the seat is kept for the grace time. */
  dropped: loose({ kind: literal('dropped'), pid: int(1), join: int(1) }),
  /** Has an effect only while `join` is the player's newest session. */
  command: loose({
    kind: literal('command'),
    pid: int(1),
    join: int(1),
    n: int(1),
    name: id,
    args: optional(record(json(), 32)),
  }),
  /**
   * Full state for players that skipped deltas; answered like a join, with the slices of `pids`. An edge asks one at a
   * time: the newer is answered instead of the one before.
   */
  sync: loose({ kind: literal('sync'), edge: id, pids: array(int(1), 10_000) }),
});
export type GameInput = Decoded<typeof gameInput>;
export type GameInputOf<K extends GameInput['kind']> = Extract<GameInput, { kind: K }>;
