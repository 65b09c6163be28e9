import { randomBytes } from 'node:crypto';
import type { EdgeMember, EdgePresence } from '@breakwater/bus';
import { loose } from '@breakwater/protocol';
import type { BusSubscription } from '@breakwater/service-kit';
import type { Connection } from './connection.ts';
import type { EdgeDeps } from './deps.ts';

type Change = 'joined' | 'left' | 'dropped';
/** Members in one message: some hundred bytes each, under a server's limit of 1 MiB. */
const MAX_MEMBERS = 2_000;

interface Pending {
  readonly change: Change;
  readonly member: EdgeMember;
}

/**
 * Tells chat and simulation which sessions here are in which room: numbered deltas, a heartbeat that repeats the
 * number, and the whole for whoever missed one. A delta that could not be sent still counts, so that it is missed.
 */
export class Presence {
  readonly #deps: EdgeDeps;
  readonly #incarnation = randomBytes(9).toString('base64url');
  readonly #members = new Map<string, EdgeMember>();
  #pending = new Map<string, Pending>();
  #version = 0;
  #isFlushSet = false;
  #sync: BusSubscription | undefined;
  #stopHeartbeat: (() => void) | undefined;
  #unlisten: (() => void) | undefined;

  constructor(deps: EdgeDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { nats, subjects, clock, config, edge } = this.#deps;
    this.#sync = nats.handle(subjects.edgeSync(edge), { decode: loose({}) }, () => this.#whole());
    this.#heartbeat();
    this.#stopHeartbeat = clock.every(config.presenceHeartbeatMs, () => this.#heartbeat());
    this.#unlisten = nats.onReconnect(() => this.#heartbeat());
  }

  stop(): void {
    this.#stopHeartbeat?.();
    this.#unlisten?.();
    this.#flush();
    this.#publish({ kind: 'gone', edge: this.#deps.edge, incarnation: this.#incarnation });
    this.#sync?.unsubscribe();
  }

  joined(room: string, connection: Connection): void {
    const { session, user, name } = connection;
    this.#note('joined', { room, session, user, name });
  }

  left(room: string, connection: Connection): void {
    const { session, user, name } = connection;
    this.#note('left', { room, session, user, name });
  }

  /** The socket fell: its member stays present for the grace time. */
  dropped(room: string, connection: Connection): void {
    const { session, user, name } = connection;
    this.#note('dropped', { room, session, user, name });
  }

  #note(change: Change, member: EdgeMember): void {
    const key = `${member.room} ${member.session}`;
    if (change === 'joined') this.#members.set(key, member);
    else if (!this.#members.delete(key)) return;
    this.#pending.set(key, { change, member });
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushSet) return;
    this.#isFlushSet = true;
    this.#deps.clock.after(this.#deps.config.presenceFlushMs, () => this.#flush());
  }

  #flush(): void {
    this.#isFlushSet = false;
    const pending = [...this.#pending.values()];
    this.#pending = new Map();
    for (let from = 0; from < pending.length; from += MAX_MEMBERS) {
      this.#publishDelta(pending.slice(from, from + MAX_MEMBERS));
    }
  }

  #publishDelta(pending: readonly Pending[]): void {
    this.#version += 1;
    const of = (change: Change) =>
      pending.filter((entry) => entry.change === change).map((entry) => entry.member);
    const keys = (members: readonly EdgeMember[]) => members.map(({ room, session }) => ({ room, session }));
    this.#publish({
      kind: 'delta',
      edge: this.#deps.edge,
      incarnation: this.#incarnation,
      version: this.#version,
      joined: of('joined'),
      left: keys(of('left')),
      dropped: keys(of('dropped')),
    });
  }

  #heartbeat(): void {
    this.#publish({
      kind: 'heartbeat',
      edge: this.#deps.edge,
      incarnation: this.#incarnation,
      version: this.#version,
    });
  }

  /**
   * Everybody, at the number of the last delta. What does not fit into one message follows as deltas: until then
   * those members are in their grace for whoever asked, and for everybody else nothing changes.
   */
  #whole() {
    this.#flush();
    const members = [...this.#members];
    for (const [key, member] of members.slice(MAX_MEMBERS)) {
      this.#pending.set(key, { change: 'joined', member });
      this.#flushSoon();
    }
    const first = members.slice(0, MAX_MEMBERS).map(([, member]) => member);
    return { incarnation: this.#incarnation, version: this.#version, members: first };
  }

  #publish(message: EdgePresence): void {
    const { nats, subjects, edge, log } = this.#deps;
    try {
      nats.publish(subjects.edgePresence(edge), message);
    } catch (cause) {
      log.error({ err: cause }, 'presence could not be published');
    }
  }
}
