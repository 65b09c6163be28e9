import type {
  GameEntry,
  SimGames,
  SimHost,
  SimHosted,
  SimRelease,
  SimReleased,
  SimWarm,
  SimWarmed,
} from '@breakwater/bus';
import type { Versioned } from './mirror.ts';

/** The machine's time, handed in. */
export interface Time {
  unixMs(): number;
  monotonicMs(): number;
  after(delayMs: number, fn: () => void): () => void;
}

/** `conflict`: somebody else wrote first; nothing was stored. */
export type WriteResult = { readonly revision: number } | 'conflict';

/** The bucket of game entries. Reads come from the stream's leader; every write is a compare-and-set. */
export interface EntryStore {
  get(game: string): Promise<Versioned | undefined>;
  /** Only if there is no such entry. */
  create(entry: GameEntry): Promise<WriteResult>;
  update(entry: GameEntry, revision: number): Promise<WriteResult>;
  remove(game: string, revision: number): Promise<WriteResult>;
}

/** What a simulation process is asked. `gone`: nobody answers on its subject; `silent`: no answer in time. */
export interface SimPort {
  host(pod: string, request: SimHost): Promise<SimHosted | 'gone' | 'silent'>;
  warm(pod: string, request: SimWarm): Promise<SimWarmed | 'gone' | 'silent'>;
  /** `refused`: the process does not own the game at this epoch. */
  release(pod: string, request: SimRelease): Promise<SimReleased | 'gone' | 'silent' | 'refused'>;
  list(pod: string): Promise<SimGames | 'gone' | 'silent'>;
}
