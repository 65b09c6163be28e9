/** The live list of games and rooms: one watch on the wire, however many hold it. */

import type { GameFrame, GameInfo, RoomInfo, ServerFrame, ServerFrameOf } from '@breakwater/protocol';
import type { Lobby, LobbyApi, LobbyEvents, Unsubscribe } from './api.ts';
import { Emitter } from './emitter.ts';
import type { BreakwaterError } from './errors.ts';
import type { Link } from './net/link.ts';
import { Rejoiner, tell } from './rejoiner.ts';
import type { Attachable, Session } from './session.ts';

export class LobbyWatch implements LobbyApi, Attachable {
  readonly #session: Session;
  readonly #rejoiner: Rejoiner;
  readonly #holders = new Set<LobbyHandle>();
  readonly #games = new Map<string, GameInfo>();
  readonly #rooms = new Map<string, RoomInfo>();
  #types: readonly string[] = [];
  #link: Link | undefined;
  #first: PromiseWithResolvers<void> | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#rejoiner = new Rejoiner(session, (link) => this.attach(link));
  }

  get games(): readonly GameInfo[] {
    return [...this.#games.values()].sort((a, b) => compare(a.title, b.title) || compare(a.game, b.game));
  }

  get rooms(): readonly RoomInfo[] {
    return [...this.#rooms.values()].sort((a, b) => compare(a.title, b.title) || compare(a.room, b.room));
  }

  get types(): readonly string[] {
    return this.#types;
  }

  async watch(): Promise<Lobby> {
    if (this.#session.isClosed) throw this.#session.error;
    const handle = new LobbyHandle(this, this.#session);
    this.#holders.add(handle);
    if (this.#first === undefined) {
      this.#first = Promise.withResolvers();
      this.#first.promise.catch(() => undefined);
      void this.#session.add(this);
    }
    await this.#first.promise;
    return handle;
  }

  /** The last one to close it ends the watch. */
  release(handle: LobbyHandle): void {
    if (!this.#holders.delete(handle) || this.#holders.size > 0) return;
    this.#session.remove(this);
    this.#rejoiner.cancel();
    if (this.#link !== undefined) void tell(this.#session, this.#link, { t: 'lobby.leave' });
    this.#link = undefined;
    this.#first = undefined;
  }

  attach(link: Link): Promise<void> {
    this.#rejoiner.cancel();
    return new Promise((resolve) => {
      const isSent = link.request({ t: 'lobby.watch' }, this.#session.settings.times.requestTimeoutMs, {
        onAnswer: (frame) => {
          if (frame.t === 'lobby') this.#replace(link, frame);
          resolve();
        },
        onFail: (error) => {
          this.#failed(link, error);
          resolve();
        },
      });
      if (isSent) return;
      this.#rejoiner.later();
      resolve();
    });
  }

  detached(link: Link): void {
    if (link === this.#link) this.#link = undefined;
  }

  receive(link: Link, frame: ServerFrame): boolean {
    if (frame.t !== 'lobby' && frame.t !== 'lobby.change') return false;
    if (link === this.#link) {
      if (frame.t === 'lobby') this.#replace(link, frame);
      else this.#change(frame);
    }
    return true;
  }

  receiveGame(_link: Link, _frame: GameFrame): boolean {
    return false;
  }

  closed(error: BreakwaterError): void {
    this.#rejoiner.cancel();
    this.#first?.reject(error);
    for (const handle of [...this.#holders]) handle.end();
    this.#holders.clear();
  }

  #replace(link: Link, frame: ServerFrameOf<'lobby'>): void {
    if (this.#holders.size === 0) return;
    this.#link = link;
    this.#rejoiner.reset();
    this.#games.clear();
    this.#rooms.clear();
    for (const info of frame.games) this.#games.set(info.game, info);
    for (const info of frame.rooms) this.#rooms.set(info.room, info);
    this.#types = frame.types;
    this.#first?.resolve();
    this.#tell();
  }

  #change(frame: ServerFrameOf<'lobby.change'>): void {
    for (const info of frame.games) this.#games.set(info.game, info);
    for (const info of frame.rooms) this.#rooms.set(info.room, info);
    for (const game of frame.goneGames) this.#games.delete(game);
    for (const room of frame.goneRooms) this.#rooms.delete(room);
    this.#types = frame.types ?? this.#types;
    this.#tell();
  }

  #tell(): void {
    for (const handle of [...this.#holders]) handle.tell();
  }

  #failed(link: Link, error: BreakwaterError): void {
    if (error.code === 'connection_lost' || this.#holders.size === 0) return;
    if (!error.retryable) {
      this.#first?.reject(error);
      return;
    }
    if (link === this.#session.link) this.#rejoiner.later(error);
  }
}

class LobbyHandle implements Lobby {
  readonly #watch: LobbyWatch;
  readonly #emitter: Emitter<LobbyEvents>;

  constructor(watch: LobbyWatch, session: Session) {
    this.#watch = watch;
    this.#emitter = new Emitter(session.settings.limits.maxStreamBuffer, (error) => session.report(error));
  }

  get games(): readonly GameInfo[] {
    return this.#watch.games;
  }

  get rooms(): readonly RoomInfo[] {
    return this.#watch.rooms;
  }

  get types(): readonly string[] {
    return this.#watch.types;
  }

  on<K extends keyof LobbyEvents>(event: K, listener: (value: LobbyEvents[K]) => void): Unsubscribe {
    return this.#emitter.on(event, listener);
  }

  events<K extends keyof LobbyEvents>(event: K): AsyncIterableIterator<LobbyEvents[K]> {
    return this.#emitter.events(event);
  }

  tell(): void {
    this.#emitter.emit('change', this);
  }

  end(): void {
    this.#emitter.end();
  }

  close(): void {
    this.#watch.release(this);
    this.end();
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
