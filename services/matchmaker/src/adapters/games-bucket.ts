import { BUCKETS, type GameEntry, gameEntry, gameId } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import type { Bucket, BucketWatch, CommitResult, NatsBus } from '@breakwater/service-kit';
import type { Mirror, Versioned } from '../domain/mirror.ts';
import type { EntryStore, WriteResult } from '../domain/ports.ts';

export interface GamesBucketLimits {
  readonly replicas: number;
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
  readonly timeoutMs: number;
}

/** The marker of a removed entry stays this long, so that every watcher hears of the removal. */
const MARKER_AGE_MS = 60_000;
const MAX_MARKERS = 10_000;
const MAX_FORGOTTEN_AT_ONCE = 500;

interface Marker {
  readonly revision: number;
  readonly seenMs: number;
}

/** The registry's bucket, owned by the matchmaker. */
export class GamesBucket implements EntryStore {
  readonly #bucket: Bucket<GameEntry>;
  readonly #timeoutMs: number;
  /** Removed entries whose marker is still in the bucket, by game. */
  readonly #markers = new Map<string, Marker>();

  private constructor(bucket: Bucket<GameEntry>, timeoutMs: number) {
    this.#bucket = bucket;
    this.#timeoutMs = timeoutMs;
  }

  static async open(bus: NatsBus, limits: GamesBucketLimits): Promise<GamesBucket> {
    const { name, maxAgeMs } = BUCKETS.games;
    const definition = {
      name,
      maxAgeMs,
      replicas: limits.replicas,
      maxBytes: limits.maxBytes,
      maxValueBytes: limits.maxEntryBytes,
    };
    const bucket = await bus.ensureBucket<GameEntry>(definition, { decode: gameEntry });
    return new GamesBucket(bucket, limits.timeoutMs);
  }

  async get(game: string): Promise<Versioned | undefined> {
    const found = await this.#bucket.get(gameId(game));
    return found && { entry: found.value, revision: found.revision };
  }

  async create(entry: GameEntry): Promise<WriteResult> {
    return toWriteResult(
      await this.#bucket.create(gameId(entry.game), entry, { timeoutMs: this.#timeoutMs }),
    );
  }

  async update(entry: GameEntry, revision: number): Promise<WriteResult> {
    return toWriteResult(
      await this.#bucket.update(gameId(entry.game), entry, revision, { timeoutMs: this.#timeoutMs }),
    );
  }

  async remove(game: string, revision: number): Promise<WriteResult> {
    return toWriteResult(await this.#bucket.delete(gameId(game), { revision, timeoutMs: this.#timeoutMs }));
  }

  /** Keeps the mirror up to date from now on. */
  watch(mirror: Mirror, nowMs: () => number): BucketWatch {
    return this.#bucket.watch({
      onChange: (change) => {
        if (change.kind === 'put') {
          this.#markers.delete(change.key);
          mirror.put(change.value, change.revision);
          return;
        }
        mirror.remove(change.key, change.revision);
        const { key, revision } = change;
        if (revision > 0 && this.#markers.size < MAX_MARKERS)
          this.#markers.set(key, { revision, seenMs: nowMs() });
      },
    });
  }

  /** Takes old markers of removed entries away: they would stay for ever. */
  async forgetRemoved(nowMs: number): Promise<void> {
    const old = [...this.#markers].filter(([, { seenMs }]) => nowMs - seenMs > MARKER_AGE_MS);
    for (const [game, { revision }] of old.slice(0, MAX_FORGOTTEN_AT_ONCE)) {
      await this.#bucket.forgetDeletion(gameId(game), revision);
      this.#markers.delete(game);
    }
  }
}

/** In doubt the caller is told to try again: every request here finds what its first try left behind. */
function toWriteResult(result: CommitResult): WriteResult {
  switch (result.kind) {
    case 'stored':
      return { revision: result.seq };
    case 'refused':
      return 'conflict';
    case 'full':
      throw new ProtocolError('busy', 'The registry of games is full.');
    case 'invalid':
      throw new ProtocolError('too_large', 'The entry of the game is larger than the limit.');
    case 'doubt':
      throw new ProtocolError('unavailable');
    default:
      return result satisfies never;
  }
}
