import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { Batch } from './batch.ts';
import { binaryFrame, type Frame, PING_FRAME, textFrame } from './frame.ts';
import { Outbox, type Recipient } from './outbox.ts';

/** What `ws` reads frames with; its types leave it out. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable };

class FakeSocket implements Recipient {
  batch: Batch | null = null;
  isClosed = false;
  readonly written: Uint8Array[] = [];
  readonly tcp = {
    writableLength: 0,
    write: (bytes: Uint8Array): boolean => {
      this.written.push(bytes);
      return this.tcp.writableLength === 0;
    },
  };
}

class Turns {
  readonly overflowed: Recipient[] = [];
  readonly backlogged: Recipient[] = [];
  readonly writes: [number, number][] = [];
  flushes = 0;
  #flush: (() => void) | undefined;
  readonly outbox = new Outbox({
    hardLimitBytes: 1_000,
    listener: {
      onBacklog: (recipient) => this.backlogged.push(recipient),
      onOverflow: (recipient) => this.overflowed.push(recipient),
      onWrite: (frames, bytes) => this.writes.push([frames, bytes]),
    },
    schedule: (flush) => {
      this.#flush = flush;
    },
  });

  end(): void {
    this.flushes += 1;
    this.#flush?.();
  }
}

function text(value: string): Frame {
  return textFrame(value);
}

async function parse(bytes: Uint8Array): Promise<{ data: string; isBinary: boolean }[]> {
  const receiver = new Receiver({ isServer: false, maxPayload: 1_000_000 });
  const messages: { data: string; isBinary: boolean }[] = [];
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    messages.push({ data: data.toString(isBinary ? 'hex' : 'utf8'), isBinary });
  });
  await new Promise<void>((resolve, reject) => {
    receiver.on('error', reject);
    receiver.write(Buffer.from(bytes), () => resolve());
  });
  await new Promise((resolve) => setImmediate(resolve));
  return messages;
}

describe('frames', () => {
  it('are what a WebSocket receiver reads back, at every length of the header', async () => {
    for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) {
      const payload = 'é'.repeat(Math.floor(length / 2)) + 'x'.repeat(length % 2);
      expect(await parse(textFrame(payload))).toEqual([{ data: payload, isBinary: false }]);
      const bytes = Buffer.alloc(length, 7);
      expect(await parse(binaryFrame(bytes))).toEqual([{ data: bytes.toString('hex'), isBinary: true }]);
    }
  });

  it('may be followed by a ping', async () => {
    expect(await parse(Buffer.concat([text('a'), PING_FRAME, text('b')]))).toHaveLength(2);
  });
});

describe('Batch', () => {
  it('gives sockets with the same frames the very same buffer', () => {
    const empty = Batch.empty();
    const [a, b, c] = [text('a'), text('b'), text('c')];
    expect(empty.next(a).next(b)).toBe(empty.next(a).next(b));
    expect(empty.next(a).next(b).bytes()).toBe(empty.next(a).next(b).bytes());
    expect(empty.next(b).next(a)).not.toBe(empty.next(a).next(b));
    expect(empty.next(a).next(c).bytes()).toEqual(Buffer.concat([a, c]));
  });

  it('does not copy a single frame', () => {
    const frame = text('only');
    expect(Batch.empty().next(frame).bytes()).toBe(frame);
  });

  it('joins any list of frames in its order, one node a list', () => {
    const frames = Array.from({ length: 6 }, (_, index) => text(`frame ${index}`));
    const list = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 8 }), (lists) => {
        const empty = Batch.empty();
        const follow = (indexes: number[]) =>
          indexes.reduce((node, index) => node.next(frames[index]!), empty);
        for (const indexes of lists) {
          const node = follow(indexes);
          expect(node.count).toBe(indexes.length);
          expect(node.bytes()).toEqual(Buffer.concat(indexes.map((index) => frames[index]!)));
          expect(follow(indexes)).toBe(node);
          expect(node.byteLength).toBe(node.bytes().length);
        }
      }),
    );
  });
});

describe('Outbox', () => {
  it('writes once per socket and turn, the same bytes to all who got the same', () => {
    const turns = new Turns();
    const sockets = [new FakeSocket(), new FakeSocket(), new FakeSocket()] as const;
    const frames = [text('1'), text('2'), text('3')];
    for (const frame of frames) for (const socket of sockets) turns.outbox.enqueue(socket, frame);
    turns.outbox.enqueue(sockets[2], text('only you'));
    turns.end();
    expect(sockets.map((socket) => socket.written.length)).toEqual([1, 1, 1]);
    expect(sockets[0].written[0]).toBe(sockets[1].written[0]);
    expect(sockets[0].written[0]).toEqual(Buffer.concat(frames));
    expect(sockets[2].written[0]).toEqual(Buffer.concat([...frames, text('only you')]));
    expect(turns.writes.map(([count]) => count)).toEqual([3, 3, 4]);
  });

  it('starts anew in each turn', () => {
    const turns = new Turns();
    const socket = new FakeSocket();
    const frame = text('again');
    turns.outbox.enqueue(socket, frame);
    turns.end();
    turns.outbox.enqueue(socket, frame);
    turns.end();
    expect(socket.written).toEqual([frame, frame]);
  });

  it('writes nothing to a socket that is closed', () => {
    const turns = new Turns();
    const socket = new FakeSocket();
    turns.outbox.enqueue(socket, text('in time'));
    socket.isClosed = true;
    turns.outbox.enqueue(socket, text('too late'));
    turns.end();
    expect(socket.written).toEqual([]);
    expect(socket.batch).toBeNull();
  });

  it('can write one socket at once, and then not again', () => {
    const turns = new Turns();
    const socket = new FakeSocket();
    turns.outbox.enqueue(socket, text('now'));
    turns.outbox.flushOne(socket);
    expect(socket.written).toHaveLength(1);
    turns.end();
    expect(socket.written).toHaveLength(1);
  });

  it('tells of a socket that would exceed the hard limit instead of writing', () => {
    const turns = new Turns();
    const socket = new FakeSocket();
    socket.tcp.writableLength = 900;
    turns.outbox.enqueue(socket, text('x'.repeat(200)));
    turns.end();
    expect(socket.written).toEqual([]);
    expect(turns.overflowed).toEqual([socket]);
  });

  it('writes a large batch to a socket that has read everything', () => {
    const turns = new Turns();
    const socket = new FakeSocket();
    turns.outbox.enqueue(socket, text('x'.repeat(5_000)));
    turns.end();
    expect(socket.written).toHaveLength(1);
    expect(turns.overflowed).toEqual([]);
  });

  it('tells of a write that left bytes waiting', () => {
    const turns = new Turns();
    const socket = new FakeSocket();
    socket.tcp.writableLength = 10;
    turns.outbox.enqueue(socket, text('x'));
    turns.end();
    expect(turns.backlogged).toEqual([socket]);
  });
});
