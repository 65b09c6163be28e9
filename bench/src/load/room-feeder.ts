/** Publishes to a room's log as chat does; JetStream republishes to the feed, which every contender reads. */

import { setTimeout as sleep } from 'node:timers/promises';
import { roomId, subjectsFor } from '@breakwater/bus';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

export const PARTITIONS = 4;

export function roomSubjects(room: string): { readonly log: string; readonly feed: string } {
  const subjects = subjectsFor(PARTITIONS);
  return { log: subjects.roomLog(roomId(room)), feed: subjects.roomFeed(roomId(room)) };
}

export interface Feed {
  readonly count: number;
  /** Messages published without a pause. */
  readonly size: number;
  readonly pauseMs: number;
}

export interface RoomFeeder extends AsyncDisposable {
  publish(feed: Feed): Promise<void>;
}

const TEXT = 'x'.repeat(128);

export async function startFeeder(natsUrl: string, room: string): Promise<RoomFeeder> {
  const nats = await connect({ servers: natsUrl });
  const js = jetstream(nats);
  const { log } = roomSubjects(room);
  let counter = 0;
  const record = () => {
    counter++;
    const time = Date.now();
    const msg = `bench-${time.toString(36).padStart(8, '0')}-${counter.toString(36)}`;
    const stamp = `${time.toString(36)}-${counter.toString(36)}`;
    return JSON.stringify({ kind: 'message', stamp, time, user: 'feeder', name: 'Feeder', msg, text: TEXT });
  };
  return {
    async publish({ count, size, pauseMs }) {
      for (let sent = 0; sent < count; sent += size) {
        await Promise.all(
          Array.from({ length: Math.min(size, count - sent) }, () => js.publish(log, record())),
        );
        await sleep(pauseMs);
      }
    },
    [Symbol.asyncDispose]: () => nats.close(),
  };
}
