import type { EdgeMember, EdgePresence, EdgeSyncReply } from '@breakwater/bus';
import type { Person } from '@breakwater/protocol';

export interface PresenceOptions {
  /** Between two heartbeats of an edge. */
  readonly edgeHeartbeatMs: number;
  /** Heartbeats that may be missed before the edge counts as lost. */
  readonly missedHeartbeats: number;
  /** How long a member stays present after its socket fell. */
  readonly graceMs: number;
}

/** What changed in a room since it was taken: the newest word on each user. */
export interface RoomChange {
  readonly joined: Map<string, string>;
  readonly left: Set<string>;
}

/** A user who is in no room any more. */
export interface Departure extends Person {
  /** When the last socket was there, on the clock of the calls. */
  readonly seenMs: number;
}

interface EdgeView {
  readonly incarnation: string;
  version: number;
  heardMs: number;
  sync: 'none' | 'needed' | 'asked';
  readonly members: Map<string, EdgeMember>;
}

/** A user in a room: present while `sessions` is above zero or the grace runs. */
interface Occupant {
  readonly room: string;
  readonly user: string;
  name: string;
  sessions: number;
  graceUntilMs: number | undefined;
  seenMs: number;
}

/**
 * Who is in which room, from what the edges say. Pure: time comes with each call, from a clock that never goes back.
 * Messages may be lost, repeated or late; an edge whose versions do not follow is asked for the whole.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #edges = new Map<string, EdgeView>();
  readonly #rooms = new Map<string, Map<string, Occupant>>();
  readonly #graced = new Set<Occupant>();
  /** In how many rooms a user is. */
  readonly #roomsOfUser = new Map<string, number>();
  #changes = new Map<string, RoomChange>();
  #departures: Departure[] = [];
  #members = 0;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  get edges(): number {
    return this.#edges.size;
  }

  /** Members of all rooms, one for each user and room. */
  get members(): number {
    return this.#members;
  }

  rooms(): Iterable<string> {
    return this.#rooms.keys();
  }

  count(room: string): number {
    return this.#rooms.get(room)?.size ?? 0;
  }

  /** The first `limit` people of a room, in the order in which they came. */
  people(room: string, limit: number): Person[] {
    const people: Person[] = [];
    for (const { user, name } of this.#rooms.get(room)?.values() ?? []) {
      if (people.length >= limit) break;
      people.push({ user, name });
    }
    return people;
  }

  /** An edge spoke. */
  heard(message: EdgePresence, nowMs: number): void {
    switch (message.kind) {
      case 'heartbeat':
        this.#onHeartbeat(message, nowMs);
        return;
      case 'delta':
        this.#onDelta(message, nowMs);
        return;
      case 'gone':
        if (this.#edges.get(message.edge)?.incarnation === message.incarnation)
          this.#lose(message.edge, nowMs);
        return;
      default:
        message satisfies never;
    }
  }

  /** An edge named all its members. */
  synced(edge: string, reply: EdgeSyncReply, nowMs: number): void {
    const view = this.#viewOf(edge, reply.incarnation, nowMs);
    view.sync = 'none';
    if (reply.version < view.version) return;
    view.version = reply.version;
    const whole = new Map(reply.members.map((member) => [keyOf(member), member]));
    for (const member of whole.values()) this.#add(view, member, nowMs);
    for (const key of [...view.members.keys()]) {
      if (!whole.has(key)) this.#remove(view, key, 'dropped', nowMs);
    }
  }

  /** An edge did not answer; it is asked again when its next heartbeat shows the need. */
  syncFailed(edge: string): void {
    const view = this.#edges.get(edge);
    if (view !== undefined) view.sync = 'none';
  }

  /** Edges that must be asked for the whole now; each is named once until it answered or failed. */
  takeSyncs(): string[] {
    const edges: string[] = [];
    for (const [edge, view] of this.#edges) {
      if (view.sync !== 'needed') continue;
      view.sync = 'asked';
      edges.push(edge);
    }
    return edges;
  }

  takeChanges(): ReadonlyMap<string, RoomChange> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }

  takeDepartures(): readonly Departure[] {
    const departures = this.#departures;
    this.#departures = [];
    return departures;
  }

  /** Time passed. Not to be called while our own link is down: the silence is ours then. */
  tick(nowMs: number): void {
    const { edgeHeartbeatMs, missedHeartbeats } = this.#options;
    for (const [edge, view] of [...this.#edges]) {
      if (nowMs - view.heardMs > edgeHeartbeatMs * missedHeartbeats) this.#lose(edge, nowMs);
    }
    for (const occupant of [...this.#graced]) {
      if (occupant.graceUntilMs !== undefined && occupant.graceUntilMs > nowMs) continue;
      occupant.graceUntilMs = undefined;
      this.#graced.delete(occupant);
      this.#leaveIfAbsent(occupant);
    }
  }

  /** Our own link is back: nobody is blamed for what we could not hear, everyone gets time to speak again. */
  forgive(nowMs: number): void {
    for (const view of this.#edges.values()) view.heardMs = nowMs;
    const untilMs = nowMs + this.#options.graceMs + this.#options.edgeHeartbeatMs;
    for (const occupant of this.#graced) {
      occupant.graceUntilMs = Math.max(occupant.graceUntilMs ?? 0, untilMs);
    }
  }

  #onHeartbeat(message: Extract<EdgePresence, { kind: 'heartbeat' }>, nowMs: number): void {
    const view = this.#viewOf(message.edge, message.incarnation, nowMs);
    if (message.version > view.version) this.#needSync(view);
  }

  #onDelta(message: Extract<EdgePresence, { kind: 'delta' }>, nowMs: number): void {
    const view = this.#viewOf(message.edge, message.incarnation, nowMs);
    if (message.version <= view.version) return;
    if (message.version !== view.version + 1) {
      this.#needSync(view);
      return;
    }
    view.version = message.version;
    for (const member of message.joined) this.#add(view, member, nowMs);
    for (const member of message.left) this.#remove(view, keyOf(member), 'left', nowMs);
    for (const member of message.dropped) this.#remove(view, keyOf(member), 'dropped', nowMs);
  }

  #needSync(view: EdgeView): void {
    if (view.sync === 'none') view.sync = 'needed';
  }

  /** An edge that started anew has none of its old sessions. A new one begins at version 0, with nobody. */
  #viewOf(edge: string, incarnation: string, nowMs: number): EdgeView {
    const known = this.#edges.get(edge);
    if (known?.incarnation === incarnation) {
      known.heardMs = nowMs;
      return known;
    }
    if (known !== undefined) this.#lose(edge, nowMs);
    const view: EdgeView = { incarnation, version: 0, heardMs: nowMs, sync: 'none', members: new Map() };
    this.#edges.set(edge, view);
    return view;
  }

  #lose(edge: string, nowMs: number): void {
    const view = this.#edges.get(edge);
    this.#edges.delete(edge);
    for (const key of [...(view?.members.keys() ?? [])]) this.#remove(view!, key, 'dropped', nowMs);
  }

  #add(view: EdgeView, member: EdgeMember, nowMs: number): void {
    const key = keyOf(member);
    const before = view.members.get(key);
    if (before !== undefined && before.user !== member.user) this.#remove(view, key, 'left', nowMs);
    const occupant = this.#occupy(member);
    if (before?.user !== member.user) occupant.sessions += 1;
    if (occupant.name !== member.name) {
      occupant.name = member.name;
      this.#tellJoined(occupant);
    }
    view.members.set(key, member);
  }

  #occupy({ room, user, name }: EdgeMember): Occupant {
    const occupants = this.#rooms.get(room) ?? new Map<string, Occupant>();
    this.#rooms.set(room, occupants);
    const known = occupants.get(user);
    if (known !== undefined) return known;
    const occupant: Occupant = { room, user, name, sessions: 0, graceUntilMs: undefined, seenMs: 0 };
    occupants.set(user, occupant);
    this.#members += 1;
    this.#roomsOfUser.set(user, (this.#roomsOfUser.get(user) ?? 0) + 1);
    this.#tellJoined(occupant);
    return occupant;
  }

  #remove(view: EdgeView, key: string, how: 'left' | 'dropped', nowMs: number): void {
    const member = view.members.get(key);
    if (!view.members.delete(key) || member === undefined) return;
    const occupant = this.#rooms.get(member.room)?.get(member.user);
    if (occupant === undefined) return;
    occupant.sessions -= 1;
    occupant.seenMs = nowMs;
    if (how === 'dropped' && this.#options.graceMs > 0) {
      occupant.graceUntilMs = nowMs + this.#options.graceMs;
      this.#graced.add(occupant);
    }
    this.#leaveIfAbsent(occupant);
  }

  #leaveIfAbsent(occupant: Occupant): void {
    if (occupant.sessions > 0 || occupant.graceUntilMs !== undefined) return;
    const { room, user } = occupant;
    const occupants = this.#rooms.get(room);
    if (occupants?.delete(user) !== true) return;
    if (occupants.size === 0) this.#rooms.delete(room);
    this.#members -= 1;
    const change = this.#changeOf(room);
    change.joined.delete(user);
    change.left.add(user);
    this.#leaveRoom(occupant);
  }

  #leaveRoom({ user, name, seenMs }: Occupant): void {
    const left = (this.#roomsOfUser.get(user) ?? 1) - 1;
    if (left > 0) {
      this.#roomsOfUser.set(user, left);
      return;
    }
    this.#roomsOfUser.delete(user);
    this.#departures.push({ user, name, seenMs });
  }

  #tellJoined({ room, user, name }: Occupant): void {
    const change = this.#changeOf(room);
    change.left.delete(user);
    change.joined.set(user, name);
  }

  #changeOf(room: string): RoomChange {
    const known = this.#changes.get(room);
    if (known !== undefined) return known;
    const change = { joined: new Map<string, string>(), left: new Set<string>() };
    this.#changes.set(room, change);
    return change;
  }
}

function keyOf({ room, session }: { readonly room: string; readonly session: string }): string {
  return `${room}/${session}`;
}
