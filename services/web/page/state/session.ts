/** The page's one connection, and what every view shows of it. */

import {
  type Client,
  createClient,
  type Game,
  type GameInfo,
  type Lobby,
  type Room,
} from '@breakwater/client';
import { becomeGuest, forgetIdentity, type Identity, storedIdentity } from './identity.ts';
import { Observable } from './observable.ts';

export interface Pause {
  readonly ms: number;
  readonly toPod: string;
  readonly atMs: number;
}

export class Session extends Observable {
  readonly edges: readonly string[];
  client: Client | undefined;
  lobby: Lobby | undefined;
  /** A sentence to show where something failed. */
  failure: string | undefined;
  /** The game on the screen. */
  game: Game | undefined;
  pause: Pause | undefined;
  readonly #unread = new Map<string, number>();
  readonly #watchedRooms = new Set<string>();
  #openRoom: string | undefined;

  constructor(edges: readonly string[]) {
    super();
    this.edges = edges;
  }

  /** Comes back as the person that this tab was before a reload, if there was one. */
  resume(): void {
    const identity = storedIdentity();
    if (identity !== undefined) this.#connect(identity);
  }

  async enter(name: string): Promise<void> {
    this.#connect(await becomeGuest(this.edges, name));
  }

  async leave(): Promise<void> {
    forgetIdentity();
    await this.client?.close();
    this.client = undefined;
    this.lobby = undefined;
    this.changed();
  }

  unread(room: string): number {
    return this.#unread.get(room) ?? 0;
  }

  async openRoom(id: string): Promise<Room> {
    this.#openRoom = id;
    this.#unread.delete(id);
    const room = await this.#client().rooms.join(id, { limit: 100 });
    if (!this.#watchedRooms.has(id)) {
      this.#watchedRooms.add(id);
      room.on('message', (message) => this.#countUnread(id, message.user));
    }
    this.changed();
    return room;
  }

  closeRoom(id: string): void {
    if (this.#openRoom === id) this.#openRoom = undefined;
  }

  async createRoom(id: string, title: string): Promise<void> {
    await this.#client().rooms.create(id, { title });
  }

  async createGame(type: string, title: string): Promise<GameInfo> {
    return this.#client().games.create(type, title === '' ? {} : { title });
  }

  async quickMatch(type: string): Promise<string> {
    const game = await this.#client().games.quickMatch(type);
    return game.id;
  }

  async openGame(id: string): Promise<Game> {
    const game = await this.#client().games.join(id);
    if (this.game !== game) {
      game.on('pause', ({ ms, toPod }) => {
        this.pause = { ms, toPod, atMs: Date.now() };
        this.changed();
      });
      game.on('owner', () => this.changed());
      game.on('status', () => this.changed());
    }
    this.game = game;
    this.pause = undefined;
    this.changed();
    return game;
  }

  async closeGame(game: Game): Promise<void> {
    if (this.game === game) this.game = undefined;
    this.changed();
    await game.leave();
  }

  #countUnread(room: string, user: string): void {
    const isSeen = this.#openRoom === room && document.visibilityState === 'visible';
    if (isSeen || user === this.client?.user) return;
    this.#unread.set(room, this.unread(room) + 1);
    this.changed();
  }

  #client(): Client {
    if (this.client === undefined) throw new Error('There is no connection yet.');
    return this.client;
  }

  #connect(identity: Identity): void {
    const client = createClient({
      urls: this.edges,
      token: async () => (storedIdentity() ?? (await becomeGuest(this.edges, identity.name))).token,
      storage: {
        get: (key) => sessionStorage.getItem(key) ?? undefined,
        set: (key, value) => sessionStorage.setItem(key, value),
      },
    });
    this.client = client;
    client.on('state', ({ error }) => {
      this.failure = client.state === 'closed' ? error?.message : undefined;
      this.changed();
    });
    client.on('ping', () => this.changed());
    client.on('moved', () => this.changed());
    client.people.on('xp', () => this.changed());
    addEventListener('online', () => client.reconnectNow());
    client.ready().then(
      () => this.#watchLobby(client),
      (error: Error) => this.#fail(error),
    );
    this.changed();
  }

  async #watchLobby(client: Client): Promise<void> {
    this.lobby = await client.lobby.watch();
    this.lobby.on('change', () => this.changed());
    this.changed();
  }

  #fail(error: Error): void {
    this.failure = error.message;
    this.changed();
  }
}
