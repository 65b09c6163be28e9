import type { Player } from './context.ts';
import type { GameSettings } from './define.ts';
import { MAX_EDGE_BYTES, MAX_NAME_BYTES, MAX_USER_BYTES, type SystemTables } from './system-tables.ts';
import type { RowOf, TablesOf } from './table.ts';
import { isStorableText } from './text.ts';

/** Who wants to play. `join` is a number that rises with each join of a user, also across sessions. */
export interface JoinRequest {
  readonly user: string;
  readonly name: string;
  readonly join: number;
  /** The edge that holds the player's connection, for the host's own use. */
  readonly edge?: string;
}

export function isJoinRequest(request: JoinRequest): boolean {
  const { user, name, join, edge = '' } = request;
  return (
    isStorableText(user, MAX_USER_BYTES) &&
    isStorableText(edge, MAX_EDGE_BYTES) &&
    user !== '' &&
    isStorableText(name, MAX_NAME_BYTES) &&
    Number.isSafeInteger(join) &&
    join >= 0 &&
    !Object.is(join, -0)
  );
}

type Session = RowOf<SystemTables['$sessions']>;

/** Departed users are remembered this long at least, unless there are too many of them. */
const DEPARTED_KEPT_MS = 600_000;
const DEPARTED_PER_SEAT = 4;

class SeatedPlayer implements Player {
  private readonly row: RowOf<SystemTables['$players']>;

  constructor(row: RowOf<SystemTables['$players']>) {
    this.row = row;
  }

  get pid(): number {
    return this.row.id;
  }

  get name(): string {
    return this.row.name;
  }

  get connected(): boolean {
    return this.row.connected;
  }
}

/** Who sits where: the kit's tables of players, seats and sessions. */
export class Seats {
  private readonly tables: TablesOf<SystemTables>;
  private readonly settings: GameSettings;

  constructor(tables: TablesOf<SystemTables>, settings: GameSettings) {
    this.tables = tables;
    this.settings = settings;
  }

  get limit(): number {
    return this.tables.$game.row(1)?.seats ?? 0;
  }

  get seated(): number {
    return this.tables.$players.size;
  }

  get connected(): number {
    let count = 0;
    for (const row of this.tables.$players) if (row.connected) count++;
    return count;
  }

  pids(): number[] {
    return Array.from(this.tables.$players, (row) => row.id);
  }

  player(pid: number): Player | undefined {
    const row = this.tables.$players.row(pid);
    return row === undefined ? undefined : new SeatedPlayer(row);
  }

  *players(): Generator<Player> {
    for (const row of this.tables.$players) yield new SeatedPlayer(row);
  }

  ack(pid: number): number | undefined {
    return this.tables.$seats.row(pid)?.ack;
  }

  setAck(pid: number, n: number): void {
    this.tables.$seats.set(pid, 'ack', n);
  }

  sessionOf(user: string): Session | undefined {
    for (const session of this.tables.$sessions) if (session.user === user) return session;
    return undefined;
  }

  connectedSessions(): { pid: number; join: number; edge: string }[] {
    const found: { pid: number; join: number; edge: string }[] = [];
    for (const row of this.tables.$players) {
      if (!row.connected) continue;
      const { join, edge } = this.tables.$sessions.need(row.id);
      found.push({ pid: row.id, join, edge });
    }
    return found;
  }

  session(pid: number): Session | undefined {
    return this.tables.$sessions.row(pid);
  }

  /** The join number with which this user last left, or -1. */
  departedJoin(user: string): number {
    let join = -1;
    for (const row of this.tables.$departed) if (row.user === user && row.join > join) join = row.join;
    return join;
  }

  take(request: JoinRequest): number {
    const pid = this.tables.$players.insert({ name: request.name, connected: true });
    this.tables.$seats.insert({ owner: pid, ack: 0, join: request.join }, pid);
    this.tables.$sessions.insert({ user: request.user, join: request.join, edge: request.edge ?? '' }, pid);
    return pid;
  }

  /** The same user again, in a newer session. */
  retake(session: Session, request: JoinRequest): void {
    session.join = request.join;
    this.tables.$seats.set(session.id, 'join', request.join);
    session.edge = request.edge ?? '';
    const player = this.tables.$players.need(session.id);
    player.name = request.name;
    player.connected = true;
  }

  setConnected(pid: number, connected: boolean, tick: number): void {
    this.tables.$players.set(pid, 'connected', connected);
    if (connected) return;
    this.tables.$sessions.set(pid, 'disconnectedAtTick', tick);
    if (this.connected === 0) this.tables.$clock.set(1, 'idleSinceTick', tick);
  }

  free(pid: number, tick: number): void {
    const session = this.tables.$sessions.need(pid);
    if (this.tables.$players.need(pid).connected) this.setConnected(pid, false, tick);
    this.tables.$departed.insert({ user: session.user, join: session.join, atTick: tick });
    this.forgetDeparted(tick);
    this.tables.$sessions.remove(pid);
    this.tables.$seats.remove(pid);
    this.tables.$players.remove(pid);
  }

  /** Pids whose seat was kept for `seatGraceMs` without anyone coming back. */
  expired(tick: number): number[] {
    const graceTicks = this.ticks(this.settings.seatGraceMs);
    const pids: number[] = [];
    for (const row of this.tables.$players) {
      if (row.connected) continue;
      if (tick - this.tables.$sessions.get(row.id, 'disconnectedAtTick') >= graceTicks) pids.push(row.id);
    }
    return pids;
  }

  /** Ticks since the last connected player went; 0 while there is one. */
  idleTicks(tick: number): number {
    return this.connected > 0 ? 0 : tick - (this.tables.$clock.row(1)?.idleSinceTick ?? tick);
  }

  private ticks(ms: number): number {
    return Math.ceil((ms * this.settings.tickHz) / 1000);
  }

  private forgetDeparted(tick: number): void {
    const { $departed } = this.tables;
    const most = this.limit * DEPARTED_PER_SEAT;
    const kept = this.ticks(DEPARTED_KEPT_MS);
    for (const row of $departed)
      if ($departed.size > most || tick - row.atTick > kept) $departed.remove(row.id);
  }
}
