import type { BucketDefinition, StreamDefinition } from './definitions.ts';
import { BusError, StreamMismatchError } from './errors.ts';
import { apiErrorToBusError, type JetStreamApi, JS_CODES } from './js-api.ts';

type WireConfig = Readonly<Record<string, unknown>>;

const DEFAULT_DUPLICATE_WINDOW_MS = 120_000;

function nanos(ms: number): number {
  return ms * 1_000_000;
}

function limit(value: number | undefined): number {
  return value === undefined || value <= 0 ? -1 : value;
}

/** A definition as the JetStream API wants it. Only fields that 2.9 knows, because 2.12 refuses unknown ones. */
export function toWireConfig(definition: StreamDefinition): WireConfig {
  const maxAgeMs = definition.maxAgeMs ?? 0;
  const window = definition.duplicateWindowMs ?? DEFAULT_DUPLICATE_WINDOW_MS;
  return {
    name: definition.name,
    subjects: [...definition.subjects],
    retention: 'limits',
    storage: definition.storage ?? 'file',
    num_replicas: definition.replicas,
    discard: definition.discard ?? 'new',
    discard_new_per_subject: definition.discardNewPerSubject ?? false,
    max_msgs_per_subject: limit(definition.maxMsgsPerSubject),
    max_msgs: limit(definition.maxMsgs),
    max_bytes: limit(definition.maxBytes),
    max_msg_size: limit(definition.maxMsgBytes),
    max_age: nanos(maxAgeMs),
    max_consumers: -1,
    duplicate_window: nanos(maxAgeMs > 0 ? Math.min(window, maxAgeMs) : window),
    allow_direct: definition.allowDirect ?? false,
    ...(definition.description !== undefined && { description: definition.description }),
    ...(definition.republish !== undefined && { republish: definition.republish }),
  };
}

/** A bucket is a stream `KV_<name>`; this is the same layout that every NATS key-value client uses. */
export function bucketStream(bucket: BucketDefinition): StreamDefinition {
  return {
    name: `KV_${bucket.name}`,
    subjects: [`$KV.${bucket.name}.>`],
    replicas: bucket.replicas,
    maxMsgsPerSubject: bucket.history ?? 1,
    storage: bucket.storage ?? 'file',
    discard: 'new',
    allowDirect: false,
    ...(bucket.maxAgeMs !== undefined && { maxAgeMs: bucket.maxAgeMs }),
    ...(bucket.maxBytes !== undefined && { maxBytes: bucket.maxBytes }),
    ...(bucket.maxValueBytes !== undefined && { maxMsgBytes: bucket.maxValueBytes }),
    ...(bucket.description !== undefined && { description: bucket.description }),
  };
}

const BUCKET_EXTRAS = { allow_rollup_hdrs: true, deny_delete: true, deny_purge: false };

/** Fields whose loss loses data or guarantees, with what the server may leave out for "not set". */
const MATTERS = [
  'subjects',
  'retention',
  'storage',
  'num_replicas',
  'discard',
  'discard_new_per_subject',
  'max_msgs_per_subject',
  'max_msgs',
  'max_bytes',
  'max_msg_size',
  'max_age',
  'duplicate_window',
  'allow_direct',
  'republish',
  'allow_rollup_hdrs',
] as const;

/** Fields that an owner sizes: another process need not know them to work rightly. */
const SIZES: ReadonlySet<string> = new Set([
  'max_msgs_per_subject',
  'max_msgs',
  'max_bytes',
  'max_msg_size',
  'max_age',
  'duplicate_window',
]);

function normal(value: unknown): string {
  if (value === undefined || value === null || value === false || value === 0 || value === -1) return 'unset';
  if (typeof value === 'object' && !Array.isArray(value)) {
    const { src, dest } = value as { src?: unknown; dest?: unknown };
    return JSON.stringify({ src, dest });
  }
  return JSON.stringify(value);
}

/** Names of the fields in which a read-back configuration differs from what was asked for. */
export function configDifferences(
  wanted: WireConfig,
  actual: WireConfig,
  only: (field: string) => boolean = () => true,
): string[] {
  return MATTERS.filter((field) => only(field) && normal(wanted[field]) !== normal(actual[field])).map(
    (field) => `${field} is ${normal(actual[field])} instead of ${normal(wanted[field])}`,
  );
}

function configOf(info: Readonly<Record<string, unknown>>): WireConfig {
  return (info.config ?? {}) as WireConfig;
}

/** Creates, updates and checks streams. */
export class StreamAdmin {
  readonly #api: JetStreamApi;

  constructor(api: JetStreamApi) {
    this.#api = api;
  }

  async #info(name: string): Promise<WireConfig | undefined> {
    const verb = `STREAM.INFO.${name}`;
    const answer = await this.#api.ask(verb);
    if ('value' in answer) return configOf(answer.value);
    if (answer.error.errCode === JS_CODES.streamNotFound) return undefined;
    throw apiErrorToBusError(verb, answer.error);
  }

  /** Creates; a stream that another process created at the same moment counts as done. */
  async #create(name: string, config: WireConfig): Promise<void> {
    try {
      await this.#api.call(`STREAM.CREATE.${name}`, config);
    } catch (cause) {
      const appeared =
        cause instanceof BusError && cause.code === 'remote' && (await this.#info(name)) !== undefined;
      if (!appeared) throw cause;
    }
  }

  async #ensure(name: string, config: WireConfig): Promise<void> {
    const before = await this.#info(name);
    if (before === undefined) await this.#create(name, config);
    else if (configDifferences(config, before).length > 0)
      await this.#api.call(`STREAM.UPDATE.${name}`, { ...before, ...config });
    const after = await this.#info(name);
    const differences = after === undefined ? ['it is gone'] : configDifferences(config, after);
    if (differences.length > 0) {
      throw new StreamMismatchError(
        name,
        `the server does not keep what was asked for: ${differences.join('; ')}`,
      );
    }
  }

  /**
   * Owner: creates or updates the stream, then reads its configuration back.
   * @throws StreamMismatchError when the server dropped or changed something
   * @throws BusError when it cannot be done (`remote`: JetStream refuses)
   */
  ensureStream(definition: StreamDefinition): Promise<void> {
    return this.#ensure(definition.name, toWireConfig(definition));
  }

  ensureBucket(definition: BucketDefinition): Promise<void> {
    const stream = bucketStream(definition);
    return this.#ensure(stream.name, { ...toWireConfig(stream), ...BUCKET_EXTRAS });
  }

  async #check(name: string, config: WireConfig): Promise<void> {
    const actual = await this.#info(name);
    if (actual === undefined)
      throw new BusError('not_found', `$JS.API.STREAM.INFO.${name}`, 'the stream does not exist (yet)');
    const differences = configDifferences(config, actual, (field) => !SIZES.has(field));
    if (differences.length > 0) throw new StreamMismatchError(name, differences.join('; '));
  }

  /**
   * Not the owner: the stream exists and has the properties that make it safe; its sizes are the owner's business.
   * @throws BusError `not_found` while the owner has not made it; StreamMismatchError
   */
  checkStream(definition: StreamDefinition): Promise<void> {
    return this.#check(definition.name, toWireConfig(definition));
  }

  checkBucket(definition: BucketDefinition): Promise<void> {
    const stream = bucketStream(definition);
    return this.#check(stream.name, { ...toWireConfig(stream), ...BUCKET_EXTRAS });
  }

  /**
   * Deletes messages of one subject: those below a sequence, or all but the newest `keep`.
   * @returns how many were deleted
   */
  async purgeSubject(
    stream: string,
    subject: string,
    what: { belowSeq: number } | { keep: number },
  ): Promise<number> {
    const body =
      'belowSeq' in what ? { filter: subject, seq: what.belowSeq } : { filter: subject, keep: what.keep };
    const answer = await this.#api.call(`STREAM.PURGE.${stream}`, body);
    return typeof answer.purged === 'number' ? answer.purged : 0;
  }
}
