import {
  createInstance,
  defineGame,
  type EncodedParts,
  type GameInstance,
  int,
  table,
  u32,
} from '@breakwater/game-kit';
import type { Message } from '@breakwater/protocol';

/** A small game: each player counts, for everybody to see; adding 13 is refused, adding 99 throws. */
export const counting = defineGame({
  type: 'counting',
  schemaVersion: 1,
  tables: {
    sums: table({ visibility: 'all', columns: { total: u32() } }),
    secrets: table({ visibility: 'owner', columns: { last: u32() } }),
  },
  commands: {
    add: {
      args: { amount: int(0, 1_000) },
      run({ tables, reject }, player, { amount }) {
        if (amount === 13) reject('unlucky');
        if (amount === 99) throw new Error('boom');
        const sum = tables.sums.row(player.pid);
        if (sum === undefined) {
          tables.sums.insert({ total: amount }, player.pid);
          tables.secrets.insert({ owner: player.pid, last: amount }, player.pid);
          return;
        }
        sum.total += amount;
        tables.secrets.need(player.pid).last = amount;
      },
    },
  },
});

interface StoredRoom {
  epoch: string;
  messages: Message[];
  /** Message ids that were stored, with their sequence. */
  ids: Map<string, number>;
}

/** A record of a game's log as edges see it. */
export interface GameRecord {
  readonly epoch: number;
  readonly seq: number;
  readonly prev: number;
  readonly parts: EncodedParts | undefined;
}

/** One game with its log. `gapless` sequences are not promised on the wire, so they rise by two. */
export class HostedGame {
  instance: GameInstance = createInstance(counting, { seed: 1 });
  readonly feed = new Set<(record: GameRecord) => void>();
  epoch = 1;
  seq = 1;
  pod = 'sim-1';
  /** Commands do not reach the owner, as while it moves. */
  isDeaf = false;
  /** Its state may fall back when it moves. */
  readonly isVolatile: boolean;
  ended: string | undefined;

  constructor(isVolatile = false) {
    this.isVolatile = isVolatile;
    if (isVolatile) this.seq = placeOf(1, 0);
  }

  commit(): void {
    const prev = this.seq;
    this.seq += this.isVolatile ? 1 : 2;
    const record = { epoch: this.epoch, seq: this.seq, prev, parts: this.instance.encodeDelta() };
    for (const listener of this.feed) listener(record);
  }

  /** Another process claims the game: a record of the log that is no delta. */
  move(pod: string): void {
    this.epoch++;
    this.seq = this.isVolatile ? placeOf(this.epoch, 0) : this.seq + 2;
    this.pod = pod;
    for (const listener of this.feed)
      listener({ epoch: this.epoch, seq: this.seq, prev: 0, parts: undefined });
  }
}

/** Of delta `n` of a volatile game. */
const placeOf = (epoch: number, n: number): number => epoch * 2 ** 32 + n;

/** What stands behind all scripted edges: rooms and games. */
export class Backend {
  readonly rooms = new Map<string, StoredRoom>();
  readonly games = new Map<string, HostedGame>();
  readonly feed = new Set<(room: string, message: Message) => void>();
  /** How many of the newest messages a room keeps. */
  kept = Number.POSITIVE_INFINITY;

  room(name: string): StoredRoom {
    const room = this.rooms.get(name) ?? { epoch: 'e1', messages: [], ids: new Map() };
    this.rooms.set(name, room);
    return room;
  }

  game(name: string): HostedGame {
    const game = this.games.get(name) ?? new HostedGame();
    this.games.set(name, game);
    return game;
  }

  send(name: string, user: string, msg: string, text: string): number {
    const room = this.room(name);
    const key = `${user}:${msg}`;
    const known = room.ids.get(key);
    if (known !== undefined) return known;
    const prev = room.messages.at(-1)?.seq ?? 0;
    const seq = prev + 3;
    const message = { seq, prev, stamp: `s${seq}`, time: Date.now(), user, name: user, msg, text };
    room.ids.set(key, seq);
    room.messages = [...room.messages, message].slice(-this.kept);
    for (const listener of this.feed) listener(name, message);
    return seq;
  }

  /** Somebody else says something. */
  say(name: string, text: string): number {
    const count = this.room(name).ids.size;
    return this.send(name, 'other', `other-00000000-${count.toString(36)}`, text);
  }
}
