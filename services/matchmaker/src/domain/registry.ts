import type { GameEntry, GameState, HostedGame } from '@breakwater/bus';
import type { GameInfo } from '@breakwater/protocol';
import type { Place } from './placement.ts';

/** The process that hosts a game. */
export interface Host {
  readonly pod: string;
  /** The Kubernetes node that it runs on. */
  readonly node: string | undefined;
}

/** A claim of a game's log. */
export interface Claim extends Host {
  readonly epoch: number;
  /** The version of the type that the process hosts the game at. */
  readonly schemaVersion: number;
}

/** What a creation asks for. */
export interface GameRequest {
  readonly game: string;
  readonly type: string;
  readonly user: string;
  readonly title?: string | undefined;
  readonly options?: Record<string, unknown> | undefined;
}

const LISTED: readonly GameState[] = ['starting', 'running', 'sleeping'];

/** The game can still be played. */
export function isOpen(entry: GameEntry): boolean {
  return LISTED.includes(entry.state);
}

export function newEntry(request: GameRequest, place: Place, seed: number, unixMs: number): GameEntry {
  return {
    game: request.game,
    type: request.type,
    schemaVersion: place.schemaVersion,
    title: request.title ?? `${request.type} ${request.game.slice(-4)}`,
    state: 'starting',
    epoch: 0,
    players: 0,
    maxPlayers: place.maxPlayers,
    createdBy: request.user,
    createdAt: unixMs,
    changedAt: unixMs,
    options: request.options ?? {},
    seed,
    seats: [],
  };
}

/**
 * The entry after a process said what it hosts; `undefined` when that is no news. An older epoch is an owner that
 * has been replaced and may not know it yet; what has ended stays ended.
 */
export function withReport(
  entry: GameEntry,
  host: Host,
  line: HostedGame,
  unixMs: number,
): GameEntry | undefined {
  if (!isOpen(entry) || line.epoch < entry.epoch) return undefined;
  const joined = new Set(line.joined ?? []);
  const seats = entry.seats.filter(({ user, untilMs }) => untilMs > unixMs && !joined.has(user));
  const next: GameEntry = {
    ...hostedBy(entry, host),
    schemaVersion: line.schemaVersion,
    state: line.state,
    epoch: line.epoch,
    players: line.players,
    seats: seats.length === entry.seats.length ? entry.seats : seats,
    changedAt: unixMs,
    ...(line.reason === undefined ? {} : { reason: line.reason }),
  };
  return isSameButTime(entry, next) ? undefined : next;
}

/** Nothing but counts changed: such a change may wait for others. */
export function isOnlyCounts(before: GameEntry, after: GameEntry): boolean {
  return before.state === after.state && before.epoch === after.epoch && before.pod === after.pod;
}

function isSameButTime(a: GameEntry, b: GameEntry): boolean {
  const isSameHost = a.node === b.node && a.schemaVersion === b.schemaVersion;
  const isSameCount = a.players === b.players && a.seats === b.seats;
  return isOnlyCounts(a, b) && isSameHost && isSameCount && a.reason === b.reason;
}

function hostedBy(entry: GameEntry, { pod, node }: Host): GameEntry {
  const { node: _before, ...rest } = entry;
  return { ...rest, pod, ...(node === undefined ? {} : { node }) };
}

/** A process has claimed the game. */
export function withHost(entry: GameEntry, claim: Claim, unixMs: number): GameEntry | undefined {
  const { pod, epoch, schemaVersion } = claim;
  if (!isOpen(entry) || epoch < entry.epoch) return undefined;
  if (entry.pod === pod && entry.epoch === epoch && entry.state !== 'starting') return undefined;
  const state = entry.state === 'starting' ? 'running' : entry.state;
  return { ...hostedBy(entry, claim), epoch, schemaVersion, state, changedAt: unixMs };
}

/** The log's claim is higher than what was heard of. */
export function withEpoch(entry: GameEntry, epoch: number, unixMs: number): GameEntry | undefined {
  return epoch > entry.epoch ? { ...entry, epoch, changedAt: unixMs } : undefined;
}

export function withEnd(
  entry: GameEntry,
  state: 'ended' | 'failed',
  reason: string,
  unixMs: number,
): GameEntry | undefined {
  return isOpen(entry) ? { ...entry, state, reason, seats: [], changedAt: unixMs } : undefined;
}

/** Seats neither taken nor held. `heardPlayers` is fresher than the entry where it is known; the higher counts. */
export function freeSeats(entry: GameEntry, heardPlayers: number | undefined, unixMs: number): number {
  const held = entry.seats.filter(({ untilMs }) => untilMs > unixMs).length;
  return entry.maxPlayers - Math.max(entry.players, heardPlayers ?? 0) - held;
}

export function holdsSeat(entry: GameEntry, user: string, unixMs: number): boolean {
  return entry.seats.some((seat) => seat.user === user && seat.untilMs > unixMs);
}

export interface SeatRequest {
  readonly user: string;
  readonly holdMs: number;
  readonly unixMs: number;
  readonly heardPlayers: number | undefined;
}

/** The entry with a seat held for the user; `undefined` when there is none to hold. */
export function withSeat(entry: GameEntry, request: SeatRequest): GameEntry | undefined {
  const { user, holdMs, unixMs, heardPlayers } = request;
  if (!isOpen(entry) || freeSeats(entry, heardPlayers, unixMs) < 1) return undefined;
  const seats = entry.seats.filter((seat) => seat.untilMs > unixMs);
  return { ...entry, seats: [...seats, { user, untilMs: unixMs + holdMs }], changedAt: unixMs };
}

/** What everybody may know of a game. */
export function infoOf(entry: GameEntry): GameInfo {
  const { game, type, title, players, maxPlayers, epoch, state, pod, node } = entry;
  const host = { ...(pod === undefined ? {} : { pod }), ...(node === undefined ? {} : { node }) };
  return { game, type, title, players, maxPlayers, epoch, state, ...host };
}
