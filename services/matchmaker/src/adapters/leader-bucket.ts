import { BUCKETS, LEADER_KEY, type LeaderRecord, leaderRecord } from '@breakwater/bus';
import type { Bucket, CommitResult, NatsBus } from '@breakwater/service-kit';
import type { LeaderSeen, LeaderStore } from '../domain/leadership.ts';
import type { WriteResult } from '../domain/ports.ts';

const MAX_BYTES = 1_048_576;
const MAX_VALUE_BYTES = 4_096;

/** The bucket with the leader's key, owned by the matchmaker. */
export class LeaderBucket implements LeaderStore {
  readonly #bucket: Bucket<LeaderRecord>;
  readonly #timeoutMs: number;

  private constructor(bucket: Bucket<LeaderRecord>, timeoutMs: number) {
    this.#bucket = bucket;
    this.#timeoutMs = timeoutMs;
  }

  /** @param limits `timeoutMs`: after it a write counts as in doubt */
  static async open(
    bus: NatsBus,
    limits: { readonly replicas: number; readonly timeoutMs: number },
  ): Promise<LeaderBucket> {
    const { name, maxAgeMs } = BUCKETS.leader;
    const definition = {
      name,
      maxAgeMs,
      replicas: limits.replicas,
      maxBytes: MAX_BYTES,
      maxValueBytes: MAX_VALUE_BYTES,
    };
    const bucket = await bus.ensureBucket<LeaderRecord>(definition, { decode: leaderRecord });
    return new LeaderBucket(bucket, limits.timeoutMs);
  }

  async get(): Promise<LeaderSeen | undefined> {
    const found = await this.#bucket.get(LEADER_KEY);
    return found && { record: found.value, revision: found.revision };
  }

  async create(record: LeaderRecord): Promise<WriteResult> {
    return toWriteResult(await this.#bucket.create(LEADER_KEY, record, { timeoutMs: this.#timeoutMs }));
  }

  async update(record: LeaderRecord, revision: number): Promise<WriteResult> {
    return toWriteResult(
      await this.#bucket.update(LEADER_KEY, record, revision, { timeoutMs: this.#timeoutMs }),
    );
  }
}

function toWriteResult(result: CommitResult): WriteResult {
  if (result.kind === 'stored') return { revision: result.seq };
  if (result.kind === 'refused') return 'conflict';
  throw new Error(`the leader's key could not be written: ${result.kind}`);
}
