import type { GameRecord } from '@breakwater/bus';

interface Owner {
  readonly epoch: number;
  readonly nonce: string;
  readonly n: number;
}

/** Follows the owners of a game through its log: after a claim only the claimant appends, counting its records. */
export class OwnerChain {
  #owner: Owner | undefined;
  #hasEnded = false;
  #isTorn = false;

  get epoch(): number {
    return this.#owner?.epoch ?? 0;
  }

  /** Records are not known before the next one: of that only the epoch can be judged. */
  tear(): void {
    this.#isTorn = true;
  }

  /** @returns what is wrong with a record at this place of the log */
  follow(record: GameRecord): string | undefined {
    const before = this.#owner;
    const { epoch, nonce, n } = record;
    this.#owner = { epoch, nonce, n };
    const hadEnded = this.#hasEnded;
    this.#hasEnded ||= record.kind === 'end';
    if (hadEnded) return 'stands after the end of the game';
    if (before === undefined) return undefined;
    if (this.#isTorn) {
      this.#isTorn = false;
      return epoch >= before.epoch ? undefined : `is of epoch ${epoch} after one of epoch ${before.epoch}`;
    }
    return record.kind === 'claim' ? claimFault(before, this.#owner) : appendFault(before, this.#owner);
  }
}

function claimFault(before: Owner, { epoch, n }: Owner): string | undefined {
  if (epoch <= before.epoch) return `claims epoch ${epoch} after epoch ${before.epoch}`;
  return n === 0 ? undefined : `is a claim with number ${n}`;
}

function appendFault(before: Owner, { epoch, nonce, n }: Owner): string | undefined {
  if (epoch !== before.epoch) return `is of epoch ${epoch} after a claim of epoch ${before.epoch}`;
  if (nonce !== before.nonce) return `is of another hosting than the claim of epoch ${epoch}`;
  return n === before.n + 1 ? undefined : `has number ${n} after number ${before.n}`;
}
