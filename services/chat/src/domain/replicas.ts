import type { ChatHeartbeat } from '@breakwater/bus';

export interface ReplicaOptions {
  readonly self: string;
  readonly heartbeatMs: number;
  /** Heartbeats that may be missed before a replica counts as dead. */
  readonly missedHeartbeats: number;
  /** After its start, or after its link was down, a replica needs this long to have heard every edge. */
  readonly warmUpMs: number;
}

/** FNV-1a with a final mix, so that similar names spread. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Rendezvous hash: of `names` the one that is responsible for `id`. Losing one moves only what it had. */
export function rendezvous(id: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestWeight = -1;
  for (const name of names) {
    const weight = hash(`${name}/${id}`);
    if (weight > bestWeight || (weight === bestWeight && best !== undefined && name < best)) {
      best = name;
      bestWeight = weight;
    }
  }
  return best;
}

/** The chat replicas that are alive, this one among them, and which of them speaks for a room. Pure. */
export class Replicas {
  readonly #options: ReplicaOptions;
  readonly #heardMs = new Map<string, number>();
  #warmAtMs: number;
  #wasLinked = true;
  #echoMs: number;

  constructor(options: ReplicaOptions, nowMs: number) {
    this.#options = options;
    this.#warmAtMs = nowMs + options.warmUpMs;
    this.#echoMs = nowMs;
  }

  /** Warm replicas that are alive. */
  get live(): readonly string[] {
    return [...this.#heardMs.keys()];
  }

  isWarm(nowMs: number): boolean {
    return this.isLinked(nowMs) && nowMs >= this.#warmAtMs;
  }

  /** False while our own heartbeat does not come back: what we do not hear then says nothing about others. */
  isLinked(nowMs: number): boolean {
    return nowMs - this.#echoMs <= this.#deadMs;
  }

  heard({ replica, warm, gone }: ChatHeartbeat, nowMs: number): void {
    if (replica === this.#options.self) this.#echoMs = nowMs;
    if (warm && !gone) this.#heardMs.set(replica, nowMs);
    else this.#heardMs.delete(replica);
  }

  /** Time passed. @returns true when our link has just come back */
  tick(nowMs: number): boolean {
    const isLinked = this.isLinked(nowMs);
    const isBack = isLinked && !this.#wasLinked;
    this.#wasLinked = isLinked;
    if (isBack) this.#beginAnew(nowMs);
    if (isLinked) this.#forgetSilent(nowMs);
    else this.#heardMs.delete(this.#options.self);
    return isBack;
  }

  /** Which replica publishes the presence of a room, or keeps the last-seen time of a user. */
  responsible(id: string): string | undefined {
    return rendezvous(id, this.#heardMs.keys());
  }

  get #deadMs(): number {
    return this.#options.heartbeatMs * this.#options.missedHeartbeats;
  }

  /** The others were not silent, we were deaf. */
  #beginAnew(nowMs: number): void {
    this.#warmAtMs = nowMs + this.#options.warmUpMs;
    for (const replica of this.#heardMs.keys()) this.#heardMs.set(replica, nowMs);
    this.#heardMs.delete(this.#options.self);
  }

  #forgetSilent(nowMs: number): void {
    for (const [replica, heardMs] of this.#heardMs) {
      if (nowMs - heardMs > this.#deadMs) this.#heardMs.delete(replica);
    }
  }
}
