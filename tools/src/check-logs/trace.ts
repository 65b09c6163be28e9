import type { LogLine, LogLineOf } from '../recorder/log-line.ts';
import type { Place } from './report.ts';

export interface ShownMessage extends Place {
  readonly seq: number;
  readonly stamp: string;
  readonly user: string;
  readonly msg: string;
  readonly hash: string;
}

/** A time in a room without a gap that the client was told of. */
export interface Stay extends Place {
  /** Everything above this sequence is claimed to have been shown. */
  readonly after: number;
  readonly messages: ShownMessage[];
  /** When it ended in order, and since when the client had been connected then; Unix ms. */
  until: { readonly at: number; readonly connectedSince: number } | undefined;
}

export interface Ack extends Place {
  readonly msg: string;
  readonly seq: number;
}

export interface RoomTrace {
  readonly stays: Stay[];
  /** Text hashes of what was sent, by message id. */
  readonly sent: Map<string, string>;
  readonly acks: Ack[];
}

/** A state or delta on the screen. */
export interface Shown extends Place {
  readonly kind: 'state' | 'delta';
  readonly pid: number | undefined;
  readonly epoch: number;
  readonly seq: number;
  readonly tick: number;
  readonly shared: string | undefined;
  readonly own: string | undefined;
  readonly events: string | undefined;
  /** Unix ms. */
  readonly at: number;
  /** How often the connection had been lost, and this game been left, until then. Another seat is no leaving. */
  readonly drops: number;
  readonly exits: number;
}

export interface Applied extends Place {
  readonly pid: number;
  readonly n: number;
  readonly seq: number;
}

/** The game was left in order, while connected. */
export interface Leave extends Place {
  readonly at: number;
  readonly drops: number;
  /** Before this one. */
  readonly exits: number;
}

export interface GameTrace {
  readonly shown: Shown[];
  readonly leaves: Leave[];
  readonly applied: Applied[];
}

/** A time in which the client's own process did nothing, Unix ms. */
export interface Standstill {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What one client log says. */
export interface ClientTrace {
  readonly file: string;
  readonly user: string;
  readonly rooms: ReadonlyMap<string, RoomTrace>;
  readonly games: ReadonlyMap<string, GameTrace>;
  readonly standstills: readonly Standstill[];
}

/** Builds the trace of one log, line by line. */
export class TraceBuilder {
  readonly file: string;
  readonly #user: string;
  readonly #rooms = new Map<string, RoomTrace>();
  readonly #games = new Map<string, GameTrace>();
  readonly #open = new Map<string, Stay>();
  readonly #pids = new Map<string, number | undefined>();
  readonly #standstills: Standstill[] = [];
  #connectedSince: number | undefined;
  readonly #exits = new Map<string, number>();
  #drops = 0;

  constructor(file: string, user: string) {
    this.file = file;
    this.#user = user;
  }

  /** @returns what is wrong with a line that does not belong where it stands */
  add(line: LogLine, number: number): string | undefined {
    const place = { file: this.file, line: number };
    switch (line.t) {
      case 'client':
        return 'a second line of type "client"';
      case 'state':
        this.#connected(line.connected, line.at);
        return undefined;
      case 'standstill':
        this.#standstills.push({ fromMs: line.at - line.ms, toMs: line.at });
        return undefined;
      case 'end':
        for (const room of [...this.#open.keys()]) this.#endStay(room, line.at);
        return undefined;
      case 'room.join':
      case 'room.reset':
      case 'room.leave':
        return this.#stay(line, place);
      case 'room.message':
        return this.#message(line, place);
      case 'room.send':
        this.#room(line.room).sent.set(line.msg, line.hash);
        return undefined;
      case 'room.ack':
        this.#room(line.room).acks.push({ msg: line.msg, seq: line.seq, ...place });
        return undefined;
      case 'room.fail':
      case 'game.command':
      case 'game.reject':
        return undefined;
      case 'game.leave':
        this.#leave(line, place);
        return undefined;
      case 'game.join':
        this.#pids.set(line.game, line.pid);
        return undefined;
      case 'game.state':
      case 'game.delta':
        return this.#shown(line, place);
      case 'game.applied':
        return this.#applied(line, place);
      default:
        return line satisfies never;
    }
  }

  finish(): ClientTrace {
    return {
      file: this.file,
      user: this.#user,
      rooms: this.#rooms,
      games: this.#games,
      standstills: this.#standstills,
    };
  }

  #connected(isConnected: boolean, at: number): void {
    if (!isConnected) this.#drops += 1;
    this.#connectedSince = isConnected ? (this.#connectedSince ?? at) : undefined;
  }

  #leave({ game, at }: LogLineOf<'game.leave'>, place: Place): void {
    const exits = this.#exits.get(game) ?? 0;
    this.#exits.set(game, exits + 1);
    if (this.#connectedSince !== undefined)
      this.#game(game).leaves.push({ at, drops: this.#drops, exits, ...place });
  }

  #stay(line: LogLineOf<'room.join' | 'room.reset' | 'room.leave'>, place: Place): string | undefined {
    const { room } = line;
    if (line.t === 'room.leave') return this.#endStay(room, line.at);
    if (line.t === 'room.join' && this.#open.has(room)) return `room ${room} was joined already`;
    if (line.t === 'room.reset' && !this.#open.has(room)) return `room ${room} was not joined`;
    const stay: Stay = { after: line.after, messages: [], until: undefined, ...place };
    this.#open.set(room, stay);
    this.#room(room).stays.push(stay);
    return undefined;
  }

  #endStay(room: string, at: number): string | undefined {
    const stay = this.#open.get(room);
    if (stay === undefined) return `room ${room} was not joined`;
    if (this.#connectedSince !== undefined) stay.until = { at, connectedSince: this.#connectedSince };
    this.#open.delete(room);
    return undefined;
  }

  #message(line: LogLineOf<'room.message'>, place: Place): string | undefined {
    const stay = this.#open.get(line.room);
    if (stay === undefined) return `room ${line.room} was not joined`;
    const { seq, stamp, user, msg, hash } = line;
    stay.messages.push({ seq, stamp, user, msg, hash, ...place });
    return undefined;
  }

  #shown(line: LogLineOf<'game.state' | 'game.delta'>, place: Place): string | undefined {
    if (!this.#pids.has(line.game)) return `game ${line.game} was not joined`;
    const { epoch, seq, tick, shared, own } = line;
    this.#game(line.game).shown.push({
      kind: line.t === 'game.state' ? 'state' : 'delta',
      pid: this.#pids.get(line.game),
      epoch,
      seq,
      tick,
      shared,
      own,
      events: line.t === 'game.delta' ? line.events : undefined,
      at: line.at,
      drops: this.#drops,
      exits: this.#exits.get(line.game) ?? 0,
      ...place,
    });
    return undefined;
  }

  #applied({ game, n, seq }: LogLineOf<'game.applied'>, place: Place): string | undefined {
    const pid = this.#pids.get(game);
    if (pid === undefined) return `game ${game} was not joined as a player`;
    this.#game(game).applied.push({ pid, n, seq, ...place });
    return undefined;
  }

  #room(room: string): RoomTrace {
    const known = this.#rooms.get(room);
    if (known !== undefined) return known;
    const made: RoomTrace = { stays: [], sent: new Map(), acks: [] };
    this.#rooms.set(room, made);
    return made;
  }

  #game(game: string): GameTrace {
    const known = this.#games.get(game);
    if (known !== undefined) return known;
    const made: GameTrace = { shown: [], leaves: [], applied: [] };
    this.#games.set(game, made);
    return made;
  }
}
