/** A room's messages as one client shows them: each once, in order, without a silent hole. */

import type { Message, Position } from '@breakwater/protocol';

const MAX_HELD = 1_000;
const MAX_EXTRA_LISTS = 20;

export interface JoinedPage {
  readonly at: Position;
  readonly recovered: boolean;
  readonly messages: readonly Message[];
  readonly more: boolean;
}

/** `fresh`: messages that were not shown before. `reset`: the list was replaced. `isWhole`: nothing is missing now. */
export interface FeedChange {
  readonly kind: 'first' | 'recovered' | 'reset';
  readonly fresh: readonly Message[];
  readonly isWhole: boolean;
}

export type LiveVerdict = 'added' | 'known' | 'gap';

const identity = (message: Message): string => `${message.user}\n${message.msg}`;

export class RoomFeed {
  readonly #maxMessages: number;
  #messages: Message[] = [];
  #position: Position | undefined;
  #hasMore = false;
  /** Older messages that were asked for on purpose: they are kept on top of the limit, to a limit of their own. */
  #extra = 0;
  /** Live messages that came while a hole is being repaired. */
  #held: Message[] = [];
  #isHolding = false;

  constructor(maxMessages: number) {
    this.#maxMessages = maxMessages;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  get hasMore(): boolean {
    return this.#hasMore;
  }

  /** Where to resume; undefined before the first join. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** A hole was found and its repair has not come yet. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** The answer to a join that stated the position `asked`. */
  joined(page: JoinedPage, asked: Position | undefined): FeedChange {
    const own = this.#position;
    if (own === undefined) return this.#replace('first', page);
    if (!page.recovered || asked === undefined || page.at.epoch !== own.epoch)
      return this.#replace('reset', page);
    const fresh = page.messages.filter((message) => this.#append(message));
    // Another socket may have brought more meanwhile: a position never goes back.
    if (page.at.seq >= this.#position!.seq) this.#position = page.at;
    return this.#release('recovered', fresh);
  }

  /** `room.reset`. */
  reset(page: Omit<JoinedPage, 'recovered'>): FeedChange {
    return this.#replace('reset', page);
  }

  /** A message from the feed. After `gap` the caller joins anew from `position`; what comes meanwhile is held. */
  live(message: Message): LiveVerdict {
    const own = this.#position;
    if (own === undefined || message.seq <= own.seq) return 'known';
    if (this.#isHolding || message.prev > own.seq) return this.#hold(message);
    this.#append(message);
    return 'added';
  }

  /** An older page in front; pages that do not fit to the list are dropped. */
  prepend(page: { readonly messages: readonly Message[]; readonly more: boolean }): void {
    const first = this.#messages[0]?.seq ?? Number.POSITIVE_INFINITY;
    const older = page.messages.filter((message) => message.seq < first);
    this.#extra = Math.min(this.#extra + older.length, this.#maxMessages * MAX_EXTRA_LISTS);
    this.#messages = [...older, ...this.#messages];
    this.#hasMore = page.more;
    this.#trim();
  }

  #hold(message: Message): LiveVerdict {
    this.#isHolding = true;
    // What does not fit is found again as a gap after the repair.
    if (this.#held.length < MAX_HELD) this.#held.push(message);
    return 'gap';
  }

  #append(message: Message): boolean {
    const own = this.#position!;
    if (message.seq <= own.seq) return false;
    this.#position = { epoch: own.epoch, seq: message.seq, stamp: message.stamp };
    this.#messages.push(message);
    this.#trim();
    return true;
  }

  #trim(): void {
    const limit = this.#maxMessages + this.#extra;
    if (this.#messages.length <= limit) return;
    this.#messages = this.#messages.slice(-limit);
    this.#hasMore = true;
  }

  #replace(kind: 'first' | 'reset', page: Omit<JoinedPage, 'recovered'>): FeedChange {
    const known = new Set(this.#messages.map(identity));
    const own = this.#position;
    const isNew = (message: Message): boolean =>
      own === undefined ||
      (own.epoch === page.at.epoch ? message.seq > own.seq : !known.has(identity(message)));
    const fresh = page.messages.filter(isNew);
    this.#messages = [...page.messages];
    this.#extra = 0;
    this.#hasMore = page.more;
    this.#trim();
    this.#position = page.at;
    return this.#release(kind, fresh);
  }

  /** Takes in what was held, as far as it follows. */
  #release(kind: FeedChange['kind'], fresh: readonly Message[]): FeedChange {
    const held = this.#held;
    this.#held = [];
    this.#isHolding = false;
    const added: Message[] = [];
    for (const message of held) {
      if (this.live(message) === 'added') added.push(message);
    }
    return { kind, fresh: [...fresh, ...added], isWhole: !this.#isHolding };
  }
}
