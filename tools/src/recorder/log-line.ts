/** Lines of a client log: JSON objects told apart by `t`. docs/checker.md says the same in words. */

import {
  boolean,
  type Decoded,
  id,
  int,
  literal,
  loose,
  optional,
  string,
  tagged,
} from '@breakwater/protocol';

export const CLIENT_LOG_VERSION = 1;
export const CLIENT_LOG_EXTENSION = '.jsonl';

const text = string({ maxLength: 256 });
/** Unix ms, by the server's clock where the client knows it. */
const at = int(0);
const hex8 = string({ pattern: /^[0-9a-f]{8}$/, expected: 'must be 8 hexadecimal digits' });
const hex16 = string({ pattern: /^[0-9a-f]{16}$/, expected: 'must be 16 hexadecimal digits' });
const shown = { game: id, epoch: int(1), seq: int(1), tick: int(0), at };
/** Digests of the rows on the screen: of everybody's, and of one's own. */
const digests = { shared: optional(hex8), own: optional(hex8) };

const lines = {
  /** The first line of a file. */
  client: loose({ t: literal('client'), v: literal(CLIENT_LOG_VERSION), user: id, at }),
  state: loose({ t: literal('state'), connected: boolean(), at }),
  /** The client's own process did nothing for `ms`, up to now; lines of that time may stand before or after this one. */
  standstill: loose({ t: literal('standstill'), ms: int(1), at }),
  /** From here on the client claims to show every message of the room after `after`. */
  'room.join': loose({ t: literal('room.join'), room: id, after: int(0), at }),
  /** What was missed cannot be had: the claim begins anew after `after`. */
  'room.reset': loose({ t: literal('room.reset'), room: id, after: int(0), at }),
  'room.message': loose({
    t: literal('room.message'),
    room: id,
    seq: int(1),
    stamp: text,
    user: text,
    msg: text,
    hash: hex16,
    at,
  }),
  'room.send': loose({ t: literal('room.send'), room: id, msg: text, hash: hex16, at }),
  'room.ack': loose({ t: literal('room.ack'), room: id, msg: text, seq: int(1), at }),
  'room.fail': loose({ t: literal('room.fail'), room: id, msg: text, code: text, at }),
  'room.leave': loose({ t: literal('room.leave'), room: id, at }),
  'game.join': loose({ t: literal('game.join'), game: id, pid: optional(int(1)), pod: text, at }),
  'game.state': loose({ t: literal('game.state'), ...shown, ...digests }),
  'game.delta': loose({ t: literal('game.delta'), ...shown, ...digests, events: optional(hex8) }),
  'game.command': loose({ t: literal('game.command'), game: id, n: int(1), name: text, at }),
  /** The state at `seq` covers command `n`. */
  'game.applied': loose({ t: literal('game.applied'), game: id, n: int(1), seq: int(1), at }),
  'game.reject': loose({ t: literal('game.reject'), game: id, n: int(1), reason: text, at }),
  'game.leave': loose({ t: literal('game.leave'), game: id, at }),
  /** The last line of a client that ended in order. */
  end: loose({ t: literal('end'), at }),
};

export type LogLine = Decoded<(typeof lines)[keyof typeof lines]>;
export type LogLineOf<T extends LogLine['t']> = Extract<LogLine, { t: T }>;
export const LOG_LINE_TYPES = Object.keys(lines) as readonly LogLine['t'][];

export const logLine = tagged('t', lines) as (value: unknown) => LogLine;
