import { randomBytes } from 'node:crypto';
import type { EdgeMember, EdgePresence } from '@breakwater/bus';
import { loose } from '@breakwater/protocol';
import { type BusSubscription, ReplyError } from '@breakwater/service-kit';
import type { Connection } from './connection.ts';
import type { EdgeDeps } from './deps.ts';

type Change = 'joined' | 'left' | 'dropped';
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
    if (this.#isFlushSet) return;
    this.#isFlushSet = true;
    this.#deps.clock.after(this.#deps.config.presenceFlushMs, () => this.#flush());
  }

  #flush(): void {
    this.#isFlushSet = false;
    if (this.#pending.size === 0) return;
    const pending = [...this.#pending.values()];
    this.#pending = new Map();
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

  #whole() {
    // What is pending becomes part of the answer, so its delta must not follow under the same number.
    this.#flush();
    const members = [...this.#members.values()];
    if (members.length > 1_000_000) throw new ReplyError('too_large', 'too many members for one answer');
    return { incarnation: this.#incarnation, version: this.#version, members };
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
