import { BUCKETS, chatRooms, type GameEntry, gameEntry, matchTypes, reply } from '@breakwater/bus';
import type { GameInfo, RoomInfo } from '@breakwater/protocol';
import type { BucketChange, BucketWatch } from '@breakwater/service-kit';
import { LobbyView } from '../domain/lobby-view.ts';
import { type Frame, textFrame } from '../fanout/frame.ts';
import { askMatchmaker } from './ask-matchmaker.ts';
import type { Connection } from './connection.ts';
import type { FrameHandlers } from './control.ts';
import type { EdgeDeps } from './deps.ts';
import { pause, untilItWorks } from './log-reader.ts';

/** How long somebody who opens the lobby waits for the lists to be there; then gets what is. */
const FIRST_LOOK_MS = 2_000;
const LINGER_MS = 30_000;

/** The live lists of games, rooms and game types, kept while somebody watches. */
export class Lobby {
  readonly #deps: EdgeDeps;
  readonly #watchers = new Set<Connection>();
  readonly #view: LobbyView;
  /** Ends what keeps the lists fresh; undefined while nobody watches. */
  #running: { isOpen: boolean; readonly ready: Promise<void> } | undefined;
  #watch: BucketWatch | undefined;
  #isFlushSet = false;
  /** The lists as JSON, but for the opening brace: made once for all who open the lobby between two changes. */
  #wholeText: string | undefined;

  constructor(deps: EdgeDeps) {
    this.#deps = deps;
    this.#view = new LobbyView(deps.config.maxLobbyGames);
  }

  get handlers(): Pick<FrameHandlers, 'lobby.watch' | 'lobby.leave'> {
    return {
      'lobby.watch': (connection, { id }) => connection.chain('lobby.', () => this.#join(connection, id)),
      'lobby.leave': (connection, { id }) =>
        connection.chain('lobby.', async () => {
          this.onGone(connection);
          this.#deps.delivery.send(connection, { t: 'ok', id });
        }),
    };
  }

  onGone(connection: Connection): void {
    if (!this.#watchers.delete(connection) || this.#watchers.size > 0) return;
    this.#deps.clock.after(LINGER_MS, () => {
      if (this.#watchers.size === 0) this.stop();
    });
  }

  stop(): void {
    if (this.#running !== undefined) this.#running.isOpen = false;
    this.#running = undefined;
    this.#watch?.stop();
    this.#watch = undefined;
  }

  async #join(connection: Connection, id: number): Promise<void> {
    const { ready } = this.#run();
    await Promise.race([ready, pause(this.#deps, FIRST_LOOK_MS)]);
    if (connection.isGone) return;
    // What is gathered but not sent yet is in this answer: it is a change for the others only.
    this.#flush();
    this.#watchers.add(connection);
    this.#deps.delivery.reliable(connection, this.#wholeFrame(id));
  }

  #run(): { readonly ready: Promise<void> } {
    if (this.#running !== undefined) return this.#running;
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = { isOpen: true, ready: promise };
    this.#running = running;
    const isOpen = () => running.isOpen;
    void Promise.all([this.#watchGames(isOpen), this.#poll(isOpen)]).then(() => resolve());
    return running;
  }

  /** Resolves when the games that there are have been seen. */
  async #watchGames(isOpen: () => boolean): Promise<void> {
    const { nats, config } = this.#deps;
    const { name, maxAgeMs } = BUCKETS.games;
    const bucket = await untilItWorks(this.#deps, isOpen, () =>
      nats.openBucket({ name, maxAgeMs, replicas: config.replicas }, { decode: gameEntry }),
    );
    if (bucket === undefined) return;
    this.#watch = bucket.watch({ onChange: (change) => this.#onGame(change) });
    await this.#watch.ready;
  }

  #onGame(change: BucketChange<GameEntry>): void {
    if (change.kind === 'delete') this.#view.removeGame(change.key);
    else this.#view.setGame(change.key, isListed(change.value) ? infoOf(change.value) : undefined);
    this.#changed();
  }

  /** Asks again and again for what has no watch. Resolves after the first time. */
  async #poll(isOpen: () => boolean): Promise<void> {
    await this.#look();
    const again = () => {
      if (!isOpen()) return;
      this.#deps.clock.after(this.#deps.config.lobbyPollMs, () => void this.#look().then(again));
    };
    again();
  }

  async #look(): Promise<void> {
    const { nats, subjects, config } = this.#deps;
    const timeoutMs = config.backendTimeoutMs;
    const [rooms, types] = await Promise.all([
      nats.request(subjects.chat('list'), {}, { decode: reply(chatRooms), timeoutMs }).catch(() => undefined),
      askMatchmaker(this.#deps, { verb: 'types', body: {}, decoder: matchTypes, timeoutMs }).catch(
        () => undefined,
      ),
    ]);
    if (rooms !== undefined) this.#view.setRooms(rooms.rooms as RoomInfo[]);
    if (types !== undefined) this.#view.setTypes(types.types);
    this.#changed();
  }

  #changed(): void {
    if (this.#view.hasChanges) this.#wholeText = undefined;
    if (this.#isFlushSet || !this.#view.hasChanges) return;
    this.#isFlushSet = true;
    this.#deps.clock.after(this.#deps.config.lobbyFlushMs, () => this.#flush());
  }

  #flush(): void {
    this.#isFlushSet = false;
    const changes = this.#view.takeChanges();
    if (changes === undefined) return;
    const frame = textFrame(JSON.stringify({ t: 'lobby.change', ...changes }));
    for (const connection of this.#watchers) {
      this.#deps.delivery.latest(connection, 'lobby', frame, () => {
        if (this.#watchers.has(connection)) this.#deps.delivery.reliable(connection, this.#wholeFrame());
      });
    }
  }

  #wholeFrame(id?: number): Frame {
    this.#wholeText ??= JSON.stringify(this.#view.whole()).slice(1);
    const head = id === undefined ? '{"t":"lobby",' : `{"t":"lobby","id":${id},`;
    return textFrame(head + this.#wholeText);
  }
}

function isListed({ state }: GameEntry): boolean {
  return state === 'starting' || state === 'running' || state === 'sleeping';
}

function infoOf(entry: GameEntry): GameInfo {
  const { game, type, title, players, maxPlayers, pod, node, epoch, state } = entry;
  const host = { ...(pod === undefined ? {} : { pod }), ...(node === undefined ? {} : { node }) };
  return { game, type, title, players, maxPlayers, epoch, state, ...host };
}
