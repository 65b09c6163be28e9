import type { Client, Game, Room } from '@breakwater/client';
import { GameRecorder } from './game-recorder.ts';
import { LogFile, type LogFileOptions } from './log-file.ts';
import { CLIENT_LOG_VERSION, type LogLine } from './log-line.ts';
import { RoomRecorder } from './room-recorder.ts';
import { StandstillWatch } from './standstill.ts';

/** The log of one client, as the checker reads it. */
export interface Recorder extends AsyncDisposable {
  readonly file: string;
  /** Records a room from now on; call it right after `rooms.join`. Returns a function that ends it. */
  room(room: Room): () => void;
  /** Records a game from now on; call it right after `games.join`. */
  game(game: Game): GameRecorder;
  /** Ends every recording and writes what is left. @throws Error when the log is not whole */
  close(): Promise<void>;
}

export interface RecordOptions extends LogFileOptions {
  /** Many clients of one process share it. Default: one of its own. */
  readonly standstills?: StandstillWatch | undefined;
}

/**
 * Records what a connected client sends, what is acknowledged to it, and what it shows.
 *
 * @param file a file that does not exist yet, ending in `.jsonl`
 */
export function recordTo(client: Client, file: string, options: RecordOptions = {}): Recorder {
  return new ClientRecorder(client, new LogFile(file, options), options.standstills);
}

class ClientRecorder implements Recorder {
  readonly #client: Client;
  readonly #log: LogFile;
  readonly #recordings = new Set<{ stop(): void }>();
  readonly #stops: (() => void)[];

  constructor(client: Client, log: LogFile, standstills: StandstillWatch | undefined) {
    this.#client = client;
    this.#log = log;
    this.#write({ t: 'client', v: CLIENT_LOG_VERSION, user: client.user, at: this.#now() });
    this.#state(client.state === 'connected');
    const watch = standstills ?? new StandstillWatch();
    this.#stops = [
      client.on('state', ({ state }) => this.#state(state === 'connected')),
      watch.on((ms) => this.#write({ t: 'standstill', ms, at: this.#now() })),
    ];
    if (standstills === undefined) this.#stops.push(() => watch[Symbol.dispose]());
  }

  get file(): string {
    return this.#log.path;
  }

  room(room: Room): () => void {
    const recording = new RoomRecorder(room, this.#write, this.#now);
    this.#recordings.add(recording);
    return () => this.#end(recording);
  }

  game(game: Game): GameRecorder {
    const recording = new GameRecorder(game, this.#write, this.#now);
    this.#recordings.add(recording);
    return recording;
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    for (const recording of [...this.#recordings]) this.#end(recording);
    this.#write({ t: 'end', at: this.#now() });
    await this.#log.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #write = (line: LogLine): void => this.#log.write(line);
  readonly #now = (): number => Math.max(0, Math.round(this.#client.serverTimeMs()));

  #state(connected: boolean): void {
    this.#write({ t: 'state', connected, at: this.#now() });
  }

  #end(recording: { stop(): void }): void {
    if (this.#recordings.delete(recording)) recording.stop();
  }
}
