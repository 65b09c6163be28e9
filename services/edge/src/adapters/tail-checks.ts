import type { StoredMessage } from '@breakwater/service-kit';
import type { EdgeDeps } from './deps.ts';

/** A followed log whose tail can be looked at. */
export interface CheckedFeed {
  readonly stream: string;
  readonly logSubject: string;
  readonly isOpen: boolean;
  /** Messages may have been missed; `onTail` follows as soon as the tail can be read. */
  onGap?(): void;
  onTail(tail: StoredMessage | undefined): void;
}

const RETRY_MS = 1_000;
const MAX_RETRIES = 20;

/**
 * The net under the feeds: a lost last record has no other witness. Every feed's position is compared with its log's
 * tail, as the leader knows it, from time to time and whenever messages may have been missed.
 */
export class TailChecks {
  readonly #deps: EdgeDeps;
  readonly #feeds: () => Iterable<CheckedFeed>;
  #stopTimer: (() => void) | undefined;
  readonly #unlisten: (() => void)[] = [];
  #round = 0;

  constructor(deps: EdgeDeps, feeds: () => Iterable<CheckedFeed>) {
    this.#deps = deps;
    this.#feeds = feeds;
  }

  start(): void {
    const { nats, clock, config } = this.#deps;
    this.#stopTimer = clock.every(config.tailCheckMs, () => this.#begin());
    this.#unlisten.push(
      nats.onReconnect(() => this.#onGap()),
      nats.onSlowConsumer(() => this.#onGap()),
    );
  }

  stop(): void {
    this.#stopTimer?.();
    for (const unlisten of this.#unlisten) unlisten();
    this.#round += 1;
  }

  #onGap(): void {
    for (const feed of this.#feeds()) feed.onGap?.();
    this.#begin();
  }

  /** A newer round takes over from an older one that is still retrying. */
  #begin(): void {
    this.#round += 1;
    void this.#check([...this.#feeds()], this.#round, 0);
  }

  async #check(feeds: readonly CheckedFeed[], round: number, attempt: number): Promise<void> {
    const failed: CheckedFeed[] = [];
    const queue = feeds.values();
    const worker = async () => {
      for (const feed of queue) {
        if (round !== this.#round) return;
        if (feed.isOpen && !(await this.#look(feed))) failed.push(feed);
      }
    };
    const workers = Math.min(this.#deps.config.tailCheckConcurrency, feeds.length);
    await Promise.all(Array.from({ length: workers }, worker));
    if (failed.length === 0 || round !== this.#round || attempt >= MAX_RETRIES) return;
    this.#deps.clock.after(RETRY_MS, () => void this.#check(failed, round, attempt + 1));
  }

  async #look(feed: CheckedFeed): Promise<boolean> {
    try {
      const tail = await this.#deps.nats.lastMessage(feed.stream, feed.logSubject);
      if (feed.isOpen) feed.onTail(tail);
      return true;
    } catch (cause) {
      this.#deps.log.debug({ stream: feed.stream, err: cause }, 'a tail could not be read');
      return false;
    }
  }
}
