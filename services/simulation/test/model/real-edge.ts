/** How the edge of the real runs reaches the owner and the log: over its own connection, as an edge does. */

import { decodeStateReply, FEED_HEADERS, type GameRecord, gameId, type StateReply } from '@breakwater/bus';
import { BusError } from '@breakwater/service-kit';
import type { FeedRecord } from '../../../edge/src/domain/feed-follower.ts';
import type { ClockPort } from '../../src/domain/ports.ts';
import { subjects } from '../sims.ts';
import { entryOf } from './model-edge.ts';
import type { RealStage } from './real-stage.ts';
import type { WatcherPorts } from './watcher.ts';

const REQUEST_TIMEOUT_MS = 400;
const TAIL_CHECK_MS = 3_000;

const clock: ClockPort = {
  monotonicMs: () => performance.now(),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

export function realWatcherPorts({ edgeBus, sims }: RealStage, game: string): WatcherPorts {
  const stream = sims.gameStream(game);
  const logSubject = subjects.gameLog(gameId(game));
  const input = subjects.gameIn(gameId(game));
  return {
    clock,
    publish: (message) => void edgeBus.publish(input, message),
    request: async (message) => {
      try {
        return await edgeBus.request(input, message, { decodeBytes, timeoutMs: REQUEST_TIMEOUT_MS });
      } catch (cause) {
        if (cause instanceof BusError && cause.code === 'remote') return { error: cause.remote?.code ?? '' };
        throw cause;
      }
    },
    read: async (fromSeq) => {
      const page = await edgeBus.readSubject(stream, logSubject, {
        fromSeq,
        limit: 250,
        maxBytes: 1_048_576,
      });
      const entries = page.messages.map(({ seq, data }) => entryOf({ seq, bytes: data }));
      return { entries, complete: page.complete };
    },
    tail: async () => {
      const tail = await edgeBus.lastMessage(stream, logSubject);
      return tail && entryOf({ seq: tail.seq, bytes: tail.data });
    },
  };
}

export interface FeedListener {
  onRecord(record: FeedRecord<GameRecord>): void;
  /** Something may have been missed, or it is time to look. */
  onMissed(): void;
}

/** Until the returned function is called. */
export function listenToFeed({ edgeBus }: RealStage, game: string, listener: FeedListener): () => void {
  const subscription = edgeBus.subscribe(subjects.gameFeed(gameId(game)), {}, (message) => {
    const seq = Number(message.header(FEED_HEADERS.sequence));
    const prev = Number(message.header(FEED_HEADERS.lastSequence) ?? 0);
    listener.onRecord({ ...entryOf({ seq, bytes: Uint8Array.from(message.data) }), prev });
  });
  const forget = edgeBus.onReconnect(() => listener.onMissed());
  const timer = setInterval(() => listener.onMissed(), TAIL_CHECK_MS);
  return () => {
    subscription.unsubscribe();
    forget();
    clearInterval(timer);
  };
}

function decodeBytes(bytes: Uint8Array): StateReply {
  const decoded = decodeStateReply(Uint8Array.from(bytes));
  if (!decoded.ok) throw decoded.error;
  return decoded.value;
}
