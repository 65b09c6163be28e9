import type { Message, OutgoingMessage, Room } from '@breakwater/client';
import type { LogLine } from './log-line.ts';
import { textHash } from './text-hash.ts';

/** Writes down what one room shows and what is sent to it. */
export class RoomRecorder {
  readonly #room: Room;
  readonly #write: (line: LogLine) => void;
  readonly #now: () => number;
  readonly #sent = new Set<string>();
  readonly #stops: (() => void)[];

  constructor(room: Room, write: (line: LogLine) => void, now: () => number) {
    this.#room = room;
    this.#write = write;
    this.#now = now;
    this.#page('room.join', room.messages, room.hasMore);
    this.#stops = [
      room.on('message', (message) => this.#message(message)),
      room.on('reset', ({ messages }) => this.#page('room.reset', messages, room.hasMore)),
      room.on('outgoing', (outgoing) => this.#outgoing(outgoing)),
      room.on('sent', ({ message, seq }) => this.#acked(message, seq)),
      room.on('failed', ({ message, error }) => this.#failed(message, error.code)),
    ];
    this.#outgoing(room.outgoing);
  }

  /** The room was left, or the recording of it ends. */
  stop(): void {
    for (const stop of this.#stops) stop();
    this.#write({ t: 'room.leave', room: this.#room.id, at: this.#now() });
  }

  #page(t: 'room.join' | 'room.reset', messages: readonly Message[], hasMore: boolean): void {
    const first = messages[0];
    const after = hasMore && first !== undefined ? first.seq - 1 : 0;
    this.#write({ t, room: this.#room.id, after, at: this.#now() });
    for (const message of messages) this.#message(message);
  }

  #message({ seq, stamp, user, msg, text }: Message): void {
    const hash = textHash(text);
    this.#write({ t: 'room.message', room: this.#room.id, seq, stamp, user, msg, hash, at: this.#now() });
  }

  #outgoing(outgoing: readonly OutgoingMessage[]): void {
    for (const message of outgoing) if (message.state === 'pending') this.#noteSend(message);
  }

  /** A retry under the same id is the same message; under a new id it is another one. */
  #noteSend({ msg, text }: OutgoingMessage): void {
    if (this.#sent.has(msg)) return;
    this.#sent.add(msg);
    this.#write({ t: 'room.send', room: this.#room.id, msg, hash: textHash(text), at: this.#now() });
  }

  #acked(message: OutgoingMessage, seq: number): void {
    this.#noteSend(message);
    this.#sent.delete(message.msg);
    this.#write({ t: 'room.ack', room: this.#room.id, msg: message.msg, seq, at: this.#now() });
  }

  #failed({ msg }: OutgoingMessage, code: string): void {
    this.#write({ t: 'room.fail', room: this.#room.id, msg, code, at: this.#now() });
  }
}
