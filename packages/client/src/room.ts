/** One joined room, over as many sockets as it takes. */

import {
  type GameFrame,
  LIMITS,
  type Message,
  type Person,
  type RoomInfo,
  type ServerFrame,
  type ServerFrameOf,
} from '@breakwater/protocol';
import type { OutgoingMessage, Room, RoomEvents, Unsubscribe } from './api.ts';
import { type FeedChange, RoomFeed } from './domain/room-feed.ts';
import { Roster } from './domain/roster.ts';
import { Emitter } from './emitter.ts';
import { type BreakwaterError, LeftError, ServerError } from './errors.ts';
import { checkText } from './frame-check.ts';
import type { Link } from './net/link.ts';
import { Rejoiner, tell } from './rejoiner.ts';
import { RoomSender } from './room-sender.ts';
import { RoomTyping } from './room-typing.ts';
import type { Attachable, Session } from './session.ts';

export class JoinedRoom implements Room, Attachable {
  readonly id: string;
  /** Told once, when it is left, lost, ended or closed. */
  onEnd: () => void = () => undefined;
  readonly #session: Session;
  readonly #limit: number;
  readonly #emitter: Emitter<RoomEvents>;
  readonly #feed: RoomFeed;
  readonly #roster = new Roster();
  readonly #typing: RoomTyping;
  readonly #sender: RoomSender;
  readonly #rejoiner: Rejoiner;
  readonly #first = Promise.withResolvers<void>();
  /** Fresh messages, for streams: also those that came with a reset. */
  readonly #readers = new Set<(message: Message) => void>();
  #info: RoomInfo;
  #link: Link | undefined;
  #end: BreakwaterError | undefined;

  constructor(session: Session, id: string, limit: number) {
    const { limits } = session.settings;
    this.id = id;
    this.#session = session;
    this.#limit = limit;
    this.#info = { room: id, title: id, kind: '' };
    this.#emitter = new Emitter(limits.maxStreamBuffer, (error) => session.report(error));
    this.#feed = new RoomFeed(limits.maxRoomMessages);
    this.#typing = new RoomTyping(session.settings, (people) => this.#emitter.emit('typing', people));
    this.#rejoiner = new Rejoiner(session, (link) => this.attach(link));
    this.#sender = new RoomSender(session, id, this.#emitter, {
      rejoin: () => this.#rejoiner.later(),
      shownSeq: () => this.#feed.position?.seq ?? 0,
    });
    this.#first.promise.catch(() => undefined);
  }

  get info(): RoomInfo {
    return this.#info;
  }

  get isLive(): boolean {
    return this.#link !== undefined;
  }

  get messages(): readonly Message[] {
    return this.#feed.messages;
  }

  get hasMore(): boolean {
    return this.#feed.hasMore;
  }

  get people(): readonly Person[] {
    return this.#roster.people;
  }

  get count(): number {
    return this.#roster.count;
  }

  get isRosterComplete(): boolean {
    return this.#roster.isComplete;
  }

  get typing(): readonly Person[] {
    return this.#typing.people;
  }

  get outgoing(): readonly OutgoingMessage[] {
    return this.#sender.outgoing;
  }

  /** Settles with the first join. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  on<K extends keyof RoomEvents>(event: K, listener: (value: RoomEvents[K]) => void): Unsubscribe {
    return this.#emitter.on(event, listener);
  }

  events<K extends keyof RoomEvents>(event: K): AsyncIterableIterator<RoomEvents[K]> {
    return this.#emitter.events(event);
  }

  stream(): AsyncIterableIterator<Message> {
    return this.#emitter.stream((push) => {
      this.#readers.add(push);
      return () => void this.#readers.delete(push);
    });
  }

  send(text: string): Promise<{ readonly seq: number }> {
    const sent = this.#send(text);
    // A program may follow its messages by events alone: it shall not end by an unhandled rejection.
    sent.catch(() => undefined);
    return sent;
  }

  async history(options: { readonly before?: number; readonly limit?: number } = {}) {
    if (this.#end !== undefined) throw this.#end;
    const { before = this.#feed.messages[0]?.seq, limit = this.#limit } = options;
    const body = {
      t: 'room.history',
      room: this.id,
      limit,
      ...(before !== undefined && { before }),
    } as const;
    const page = await this.#session.requests.ask(body, 'room.page', true);
    return { messages: page.messages, hasMore: page.more };
  }

  async loadMore(limit?: number): Promise<void> {
    const page = await this.history(limit === undefined ? {} : { limit });
    this.#feed.prepend({ messages: page.messages, more: page.hasMore });
  }

  setTyping(isTyping: boolean): void {
    if (this.#link !== undefined) this.#typing.say(this.#link, this.id, isTyping);
  }

  async leave(): Promise<void> {
    if (this.#end !== undefined) return;
    const link = this.#link;
    this.#finish(new LeftError(`room ${this.id}`));
    if (link !== undefined) await tell(this.#session, link, { t: 'room.leave', room: this.id });
  }

  attach(link: Link): Promise<void> {
    this.#rejoiner.cancel();
    const at = this.#feed.position;
    const body = {
      t: 'room.join',
      room: this.id,
      limit: this.#limit,
      ...(at !== undefined && { at }),
    } as const;
    return new Promise((resolve) => {
      const isSent = link.request(body, this.#session.settings.times.requestTimeoutMs, {
        onAnswer: (frame) => {
          if (frame.t === 'room.joined' && this.#end === undefined) this.#joined(link, frame, at);
          resolve();
        },
        onFail: (error) => {
          this.#joinFailed(link, error);
          resolve();
        },
      });
      if (isSent) return;
      this.#rejoiner.later();
      resolve();
    });
  }

  detached(link: Link): void {
    this.#sender.detached(link);
    if (link === this.#link) this.#link = undefined;
  }

  closed(error: BreakwaterError): void {
    this.#finish(error);
  }

  receiveGame(_link: Link, _frame: GameFrame): boolean {
    return false;
  }

  receive(link: Link, frame: ServerFrame): boolean {
    if (!('room' in frame) || frame.room !== this.id) return false;
    // On the socket that is being left, messages still count; the rest is told by the new one.
    if (frame.t === 'room.message') this.#message(link, frame);
    else if (link === this.#link) this.#receiveOther(frame);
    return true;
  }

  async #send(text: string): Promise<{ readonly seq: number }> {
    if (this.#end !== undefined) throw this.#end;
    checkText(text, this.#link?.welcome.limits.maxTextBytes ?? LIMITS.maxTextBytes);
    this.#typing.sent();
    return this.#sender.send(text);
  }

  #receiveOther(frame: ServerFrame): void {
    switch (frame.t) {
      case 'room.reset':
        this.#show(this.#feed.reset(frame), frame.messages);
        break;
      case 'room.people':
        this.#peopleChanged(frame);
        break;
      case 'room.typing':
        this.#typingChanged({ user: frame.user, name: frame.name }, frame.on);
        break;
      case 'error':
        this.#session.report(new ServerError(frame.code, frame.message, frame.retryAfterMs));
        break;
      default:
    }
  }

  #joined(link: Link, frame: ServerFrameOf<'room.joined'>, asked: RoomFeed['position']): void {
    const change = this.#feed.joined(frame, asked);
    this.#info = frame.info;
    // A late answer on a socket that is being left must not draw the room back to it.
    if (this.#link === undefined || link === this.#session.link) this.#link = link;
    const people = this.#roster.replace(frame.roster);
    if (change.kind === 'first') {
      for (const message of frame.messages) this.#noteOwn(link, message);
      this.#first.resolve();
    } else this.#show(change, frame.messages);
    this.#emitter.emit('people', people);
    if (change.kind !== 'first') this.#emitter.emit('resumed', { recovered: change.kind === 'recovered' });
    if (change.isWhole) this.#rejoiner.reset();
    else this.#rejoiner.later();
    this.#sender.live(this.#link);
  }

  #joinFailed(link: Link, error: BreakwaterError): void {
    if (this.#end !== undefined || error.code === 'connection_lost') return;
    if (error.retryable) {
      // On a socket that is being left it says nothing: the join on the new one has an answer of its own.
      if (link === this.#session.link) this.#rejoiner.later(error);
      return;
    }
    this.#emitter.emit('closed', { error });
    this.#finish(error);
  }

  #message(link: Link, message: Message): void {
    const hadGap = this.#feed.isHolding;
    const verdict = this.#feed.live(message);
    if (verdict === 'gap' && !hadGap) this.#rejoiner.now();
    if (verdict !== 'added') return;
    this.#noteOwn(link, message);
    this.#announce(message);
  }

  #announce(message: Message): void {
    this.#typingChanged({ user: message.user, name: message.name }, false);
    this.#emitter.emit('message', message);
    for (const push of [...this.#readers]) push(message);
  }

  /** After a rejoin or a reset. */
  #show(change: FeedChange, page: readonly Message[]): void {
    if (this.#link !== undefined) for (const message of page) this.#noteOwn(this.#link, message);
    this.#sender.shown(this.#feed.position?.seq ?? 0);
    if (change.kind === 'recovered') {
      for (const message of change.fresh) this.#announce(message);
      return;
    }
    this.#emitter.emit('reset', { messages: this.#feed.messages });
    for (const message of change.fresh) for (const push of [...this.#readers]) push(message);
  }

  #noteOwn(link: Link, message: Message): void {
    if (message.user === link.welcome.user) this.#sender.seen(message.msg, message.seq);
  }

  #peopleChanged(frame: ServerFrameOf<'room.people'>): void {
    const change =
      frame.roster === undefined
        ? this.#roster.change(frame.count, frame.joined ?? [], frame.left ?? [])
        : this.#roster.replace(frame.roster);
    this.#emitter.emit('people', change);
  }

  #typingChanged(person: Person, isTyping: boolean): void {
    if (person.user !== this.#link?.welcome.user) this.#typing.heard(person, isTyping);
  }

  #finish(error: BreakwaterError): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#session.remove(this);
    this.onEnd();
    this.#link = undefined;
    this.#rejoiner.end();
    this.#typing.end();
    this.#sender.end(error);
    this.#first.reject(error);
    this.#emitter.end();
  }
}
