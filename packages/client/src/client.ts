import type {
  Client,
  ClientEvents,
  ClientState,
  GamesApi,
  LobbyApi,
  PeopleApi,
  RoomsApi,
  Unsubscribe,
} from './api.ts';
import type { BreakwaterError } from './errors.ts';
import { Games } from './games.ts';
import { LobbyWatch } from './lobby.ts';
import type { Welcome } from './net/link.ts';
import { People } from './people.ts';
import { Rooms } from './rooms.ts';
import type { Settings } from './runtime.ts';
import { Session } from './session.ts';

export class BreakwaterClient implements Client {
  readonly transport = 'websocket';
  readonly lobby: LobbyApi;
  readonly rooms: RoomsApi;
  readonly games: GamesApi;
  readonly people: PeopleApi;
  readonly #session: Session;
  readonly #unlisten: () => void;

  constructor(settings: Settings) {
    this.#session = new Session(settings);
    this.lobby = new LobbyWatch(this.#session);
    this.rooms = new Rooms(this.#session);
    this.games = new Games(this.#session);
    this.people = new People(this.#session);
    this.#unlisten = whenOnline(() => this.reconnectNow());
    this.#session.emitter.on('state', ({ state }) => {
      if (state === 'closed') this.#unlisten();
    });
    this.#session.start();
  }

  get state(): ClientState {
    return this.#session.state;
  }

  get stateSince(): number {
    return this.#session.stateSince;
  }

  get error(): BreakwaterError | undefined {
    return this.#session.error;
  }

  get user(): string {
    return this.#welcome?.user ?? '';
  }

  get name(): string {
    return this.#welcome?.name ?? '';
  }

  get edge(): string {
    return this.#welcome?.edge ?? '';
  }

  get url(): string {
    return this.#session.lastLink?.url ?? '';
  }

  get roundTripMs(): number | undefined {
    return this.#session.clock.roundTripMs;
  }

  serverTimeMs(): number {
    return this.#session.serverMs();
  }

  ready(): Promise<void> {
    return this.#session.ready;
  }

  reconnectNow(): void {
    this.#session.reconnectNow();
  }

  on<K extends keyof ClientEvents>(event: K, listener: (value: ClientEvents[K]) => void): Unsubscribe {
    return this.#session.emitter.on(event, listener);
  }

  events<K extends keyof ClientEvents>(event: K): AsyncIterableIterator<ClientEvents[K]> {
    return this.#session.emitter.events(event);
  }

  async close(): Promise<void> {
    this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #welcome(): Welcome | undefined {
    return this.#session.lastLink?.welcome;
  }
}

/** A browser that is back on the network says so; elsewhere there is no such event. */
function whenOnline(listener: () => void): () => void {
  const target = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
  target.addEventListener?.('online', listener);
  return () => target.removeEventListener?.('online', listener);
}
