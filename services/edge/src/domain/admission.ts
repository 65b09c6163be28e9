import { type BucketRate, TokenBucket } from './token-bucket.ts';

export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxPerUser: number;
  readonly maxPerAddress: number;
  /** New connections that the process takes. */
  readonly rate: BucketRate;
}

export const ADMISSION_REFUSALS = ['process_limit', 'user_limit', 'address_limit', 'rate'] as const;
export type AdmissionRefusal = (typeof ADMISSION_REFUSALS)[number];

export type Admission =
  | { readonly isAdmitted: true }
  | { readonly isAdmitted: false; readonly refusal: AdmissionRefusal; readonly retryAfterMs: number };

const ADMITTED: Admission = { isAdmitted: true };
const FULL_RETRY_MS = 5_000;

/** Counts connections for each user, each address and the process. `release` must follow each admission once. */
export class AdmissionBook {
  readonly #limits: AdmissionLimits;
  readonly #bucket: TokenBucket;
  readonly #onUserGone: (user: string) => void;
  readonly #users = new Map<string, number>();
  readonly #addresses = new Map<string, number>();
  #connections = 0;

  /** @param onUserGone told when the last connection of a user was released */
  constructor(limits: AdmissionLimits, nowMs: number, onUserGone: (user: string) => void = () => undefined) {
    this.#onUserGone = onUserGone;
    this.#limits = limits;
    this.#bucket = new TokenBucket(limits.rate, nowMs);
  }

  get connections(): number {
    return this.#connections;
  }

  /** Before anything is known of the caller: the cheap limits, so that a flood costs no token check. */
  checkAddress(address: string): Admission {
    if (this.#connections >= this.#limits.maxConnections) return refuse('process_limit', FULL_RETRY_MS);
    const count = this.#addresses.get(address) ?? 0;
    return count >= this.#limits.maxPerAddress ? refuse('address_limit', FULL_RETRY_MS) : ADMITTED;
  }

  /** Would there be room now? Counts nothing. */
  check(user: string, address: string): Admission {
    const byAddress = this.checkAddress(address);
    if (!byAddress.isAdmitted) return byAddress;
    const count = this.#users.get(user) ?? 0;
    return count >= this.#limits.maxPerUser ? refuse('user_limit', FULL_RETRY_MS) : ADMITTED;
  }

  admit(user: string, address: string, nowMs: number): Admission {
    const room = this.check(user, address);
    if (!room.isAdmitted) return room;
    const waitMs = this.#bucket.take(this.#limits.rate, nowMs);
    if (waitMs > 0) return refuse('rate', waitMs);
    this.#connections += 1;
    count(this.#users, user, 1);
    count(this.#addresses, address, 1);
    return ADMITTED;
  }

  release(user: string, address: string): void {
    this.#connections -= 1;
    count(this.#users, user, -1);
    count(this.#addresses, address, -1);
    if (!this.#users.has(user)) this.#onUserGone(user);
  }
}

function refuse(refusal: AdmissionRefusal, retryAfterMs: number): Admission {
  return { isAdmitted: false, refusal, retryAfterMs };
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
