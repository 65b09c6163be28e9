/** What services tell a user on `user.<user>.inbox`, wherever the user is connected. JSON. */

import { type Decoded, id, int, literal, loose, tagged } from '@breakwater/protocol';

export const userNotice = tagged('kind', {
  /** The ledger has a new total. Notices may come late or not at all: the highest total heard is the newest. */
  xp: loose({ kind: literal('xp'), total: int(0), game: id, amount: int(0) }),
});
export type UserNotice = Decoded<typeof userNotice>;
