/** What each peer process does alike: its arguments, its NATS subscription, and the word that it is ready. */

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from '@nats-io/transport-node';

/** Calls `deliver` with the frame of each record on the feed: the same JSON that an edge sends. */
export async function runPeer(server: Server, deliver: (frame: PeerFrame) => void): Promise<void> {
  const [natsUrl, subject] = process.argv.slice(2) as [string, string];
  const nats = await connect({ servers: natsUrl });
  nats.subscribe(subject, {
    callback: (_, message) => {
      const record = message.json<{
        user: string;
        name: string;
        msg: string;
        text: string;
        time: number;
        stamp: string;
      }>();
      const { user, name, msg, text, time, stamp } = record;
      const seq = Number(message.headers?.get('Nats-Sequence'));
      const prev = Number(message.headers?.get('Nats-Last-Sequence'));
      deliver({ t: 'room.message', room: 'bench', seq, prev, stamp, time, user, name, msg, text });
    },
  });
  await nats.flush();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.({ port: (server.address() as AddressInfo).port });
  process.on('disconnect', () => process.exit(0));
}

export interface PeerFrame {
  readonly t: 'room.message';
  readonly room: string;
  readonly seq: number;
  readonly prev: number;
  readonly stamp: string;
  readonly time: number;
  readonly user: string;
  readonly name: string;
  readonly msg: string;
  readonly text: string;
}
