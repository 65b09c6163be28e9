/** How the edge of the model reaches the owner and the log. */

import { decodeStateReply, type GameRecord } from '@breakwater/bus';
import type { Link, ModelClock } from '@breakwater/testkit';
import type { FeedEntry } from '../../../edge/src/domain/feed-follower.ts';
import type { StoredRecord } from '../../src/domain/ports.ts';
import type { Broker, InputAnswer } from './broker.ts';
import { recordOf } from './evidence.ts';
import type { Asked, WatcherPorts } from './watcher.ts';

const REQUEST_TIMEOUT_MS = 400;
const MAX_READ = 50;

export function entryOf(stored: StoredRecord): FeedEntry<GameRecord> {
  const record = recordOf(stored);
  return { seq: stored.seq, stamp: `${record.epoch}.${record.nonce}.${record.n}`, record };
}

export interface ModelPorts extends WatcherPorts {
  tail(): Promise<FeedEntry<GameRecord> | undefined>;
}

export function watcherPorts(broker: Broker, link: Link, clock: ModelClock): ModelPorts {
  /** @throws Error when no answer comes in time */
  const ask = <T>(serve: (answer: (value: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      const stopTimer = clock.after(REQUEST_TIMEOUT_MS, () => reject(new Error('no answer in time')));
      link.up(() =>
        serve((value) =>
          link.down(() => {
            stopTimer();
            resolve(value);
          }),
        ),
      );
    });
  return {
    clock,
    publish: (input) => link.up(() => broker.publishInput({ input, respond: () => undefined })),
    request: async (input) =>
      askedFrom(await ask<InputAnswer>((respond) => broker.publishInput({ input, respond }))),
    read: (fromSeq) =>
      ask((answer) => {
        const found = broker.log.records.filter(({ seq }) => seq >= fromSeq);
        const entries = found.slice(0, MAX_READ).map(entryOf);
        answer({ entries, complete: found.length <= MAX_READ });
      }),
    tail: () =>
      ask((answer) => {
        const tail = broker.log.records.at(-1);
        answer(tail && entryOf(tail));
      }),
  };
}

function askedFrom(answer: InputAnswer): Asked {
  if (!(answer instanceof Uint8Array)) return answer;
  const decoded = decodeStateReply(answer);
  if (!decoded.ok) throw decoded.error;
  return decoded.value;
}
