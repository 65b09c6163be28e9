/** Rendezvous hashing: every replica that knows the same peers orders them alike for a key, each key its own way. */

function weight(peer: string, key: string): number {
  let hash = 0x811c9dc5;
  for (const text of [peer, '/', key])
    for (let index = 0; index < text.length; index++)
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** How many of `peers` come before `self` for this key: 0 means that it is `self`'s. */
export function rankOf(self: string, peers: Iterable<string>, key: string): number {
  const mine = weight(self, key);
  let rank = 0;
  for (const peer of peers) {
    if (peer === self) continue;
    const theirs = weight(peer, key);
    if (theirs > mine || (theirs === mine && peer < self)) rank += 1;
  }
  return rank;
}

/** The other replicas that were heard lately. */
export class Peers {
  readonly #self: string;
  readonly #timeoutMs: number;
  readonly #maxPeers: number;
  readonly #heardMs = new Map<string, number>();

  constructor(self: string, timeoutMs: number, maxPeers = 64) {
    this.#self = self;
    this.#timeoutMs = timeoutMs;
    this.#maxPeers = maxPeers;
  }

  heard(peer: string, monotonicMs: number): void {
    if (this.#heardMs.has(peer) || this.#heardMs.size < this.#maxPeers) this.#heardMs.set(peer, monotonicMs);
    for (const [other, heardMs] of this.#heardMs)
      if (monotonicMs - heardMs > this.#timeoutMs) this.#heardMs.delete(other);
  }

  rankOf(key: string): number {
    return rankOf(this.#self, this.#heardMs.keys(), key);
  }
}
