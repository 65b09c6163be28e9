import type { StoredMessage } from '@breakwater/service-kit';
import type { FeedEntry, LogStretch } from '../domain/feed-follower.ts';
import type { EdgeDeps } from './deps.ts';

const FIRST_WAIT_MS = 100;
/** Players wait for what is read here: when it can be had again, that must be noticed soon. */
const LONGEST_WAIT_MS = 1_000;
const PAGE_RECORDS = 250;
const PAGE_BYTES = 1_048_576;

export interface LogReaderOptions<R> {
  readonly stream: string;
  readonly logSubject: string;
  decode(message: StoredMessage): FeedEntry<R>;
  readonly isOpen: () => boolean;
}

/** Reads a stretch of a log from its leader, again and again until it works or nobody needs it any more. */
export async function readLog<R>(
  deps: EdgeDeps,
  options: LogReaderOptions<R>,
  fromSeq: number,
): Promise<LogStretch<R> | undefined> {
  const range = { fromSeq, limit: PAGE_RECORDS, maxBytes: PAGE_BYTES };
  const page = await untilItWorks(deps, options.isOpen, () =>
    deps.nats.readSubject(options.stream, options.logSubject, range),
  );
  if (page === undefined) return undefined;
  return { entries: page.messages.map(options.decode), complete: page.complete };
}

/** Tries with growing, jittered pauses; undefined once `isOpen` says no. */
export async function untilItWorks<T>(
  deps: EdgeDeps,
  isOpen: () => boolean,
  work: () => Promise<T>,
): Promise<T | undefined> {
  for (let waitMs = FIRST_WAIT_MS; isOpen(); waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2)) {
    try {
      const result = await work();
      return isOpen() ? result : undefined;
    } catch (cause) {
      deps.log.debug({ err: cause, retryInMs: waitMs }, 'a repair has to wait');
    }
    await pause(deps, waitMs * (0.5 + Math.random() / 2));
  }
  return undefined;
}

export function pause(deps: EdgeDeps, ms: number): Promise<void> {
  return new Promise((resolve) => {
    deps.clock.after(ms, resolve);
  });
}
