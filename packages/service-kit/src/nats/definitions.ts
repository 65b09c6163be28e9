/** A JetStream stream as plain data. The owner creates and updates it; the others check it. */
export interface StreamDefinition {
  readonly name: string;
  readonly subjects: readonly string[];
  /** What is stored is then published again; `dest` may use `{{wildcard(n)}}`. */
  readonly republish?: { readonly src: string; readonly dest: string };
  readonly maxMsgsPerSubject?: number;
  /** Refuse the new message of a full subject instead of dropping its oldest. */
  readonly discardNewPerSubject?: boolean;
  /** 0 or unset: kept for ever. */
  readonly maxAgeMs?: number;
  /** 0 or unset: no limit. */
  readonly maxBytes?: number;
  readonly maxMsgs?: number;
  readonly maxMsgBytes?: number;
  /** How long a `Nats-Msg-Id` is remembered. Unset: the server's default (2 minutes). */
  readonly duplicateWindowMs?: number;
  readonly replicas: number;
  readonly storage?: 'file' | 'memory';
  /** A full stream refuses (`new`, the default here) or drops its oldest (`old`). */
  readonly discard?: 'new' | 'old';
  /** Followers may answer reads. Off by default: a read that decides something must come from the leader. */
  readonly allowDirect?: boolean;
  readonly description?: string;
}

/** A key-value bucket as plain data. */
export interface BucketDefinition {
  /** `^[A-Za-z0-9_-]+$` */
  readonly name: string;
  readonly replicas: number;
  /** Revisions kept of a key. Default 1. */
  readonly history?: number;
  /** 0 or unset: kept for ever. Note that an entry that ages out is not announced to watchers. */
  readonly maxAgeMs?: number;
  readonly maxBytes?: number;
  readonly maxValueBytes?: number;
  readonly storage?: 'file' | 'memory';
  readonly description?: string;
}
