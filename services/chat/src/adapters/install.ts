import {
  BUCKETS,
  INSTALL_PARTITIONS_KEY,
  installPartitions,
  installStream,
  installStreamKey,
  personEntry,
  roomEntry,
  roomStream,
} from '@breakwater/bus';
import { type Bucket, BusError, type Clock, type Logger, type NatsBus } from '@breakwater/service-kit';
import { epochOf } from '../domain/epoch.ts';

export interface InstallOptions {
  readonly partitions: number;
  readonly replicas: number;
  readonly maxMessagesPerRoom: number;
  readonly maxAgeMs: number;
  readonly dedupWindowMs: number;
  readonly streamMaxBytes: number;
  readonly bucketMaxBytes: number;
  readonly streamCheckMs: number;
}

type InstallBucket = Bucket<unknown>;

/**
 * The streams and buckets that chat owns: makes them, keeps their settings, and notices when one vanished. What was
 * made once and is gone is not made anew, because an empty log would look like one that never had a message.
 */
export class Install {
  readonly #nats: NatsBus;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #options: InstallOptions;
  readonly #lost = new Set<string>();
  readonly #epochs = new Map<string, string>();
  #cancel: (() => void) | undefined;
  #checking: Promise<void> | undefined;

  constructor(nats: NatsBus, log: Logger, clock: Clock, options: InstallOptions) {
    this.#nats = nats;
    this.#log = log;
    this.#clock = clock;
    this.#options = options;
  }

  /** Streams that vanished with their messages. */
  get lostStreams(): number {
    return this.#lost.size;
  }

  isLost(stream: string): boolean {
    return this.#lost.has(stream);
  }

  /** @throws Error with one sentence when this installation is another one than the settings say */
  async open() {
    const install = await this.#ensureBucket('install', (value) => value);
    await this.#assertPartitions(install);
    await this.#openStreams(install);
    await this.#assertRooms(install);
    const rooms = await this.#ensureBucket('rooms', roomEntry);
    const people = await this.#ensureBucket('people', personEntry);
    await this.#keepEpoch(install, `KV_${BUCKETS.rooms.name}`);
    return { install, rooms, people };
  }

  /** Looks after the streams from now on. */
  watch(install: InstallBucket): void {
    this.#cancel = this.#clock.every(this.#options.streamCheckMs, () => {
      this.#checking ??= this.#checkAll(install).finally(() => {
        this.#checking = undefined;
      });
    });
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#checking;
  }

  #ensureBucket<T>(name: 'install' | 'rooms' | 'people', decode: (value: unknown) => T): Promise<Bucket<T>> {
    const { replicas, bucketMaxBytes } = this.#options;
    const definition = {
      name: BUCKETS[name].name,
      maxAgeMs: BUCKETS[name].maxAgeMs,
      replicas,
      maxBytes: bucketMaxBytes,
    };
    return this.#nats.ensureBucket(definition, { decode });
  }

  /** The first chat that ever starts fixes the count; it decides which stream holds which room. */
  async #assertPartitions(install: InstallBucket): Promise<void> {
    const { partitions } = this.#options;
    await install.create(INSTALL_PARTITIONS_KEY, { partitions });
    const entry = await install.get(INSTALL_PARTITIONS_KEY);
    if (entry === undefined) throw new Error('The partition count of this installation cannot be stored.');
    const stored = installPartitions(entry.value).partitions;
    if (stored === partitions) return;
    throw new Error(
      `BREAKWATER_PARTITIONS is ${partitions}, but this installation was made with ${stored}: set it back to ${stored}, the rooms are spread by it.`,
    );
  }

  get #streams(): string[] {
    return Array.from(
      { length: this.#options.partitions },
      (_, partition) => this.#definition(partition).name,
    );
  }

  #definition(partition: number) {
    const { replicas, maxMessagesPerRoom, maxAgeMs, dedupWindowMs, streamMaxBytes } = this.#options;
    return roomStream(partition, {
      replicas,
      maxMessagesPerRoom,
      maxAgeMs,
      duplicateWindowMs: dedupWindowMs,
      maxBytes: streamMaxBytes,
    });
  }

  async #openStreams(install: InstallBucket): Promise<void> {
    for (const [partition, name] of this.#streams.entries()) {
      if (await this.#isGone(install, name)) this.#lose(name);
      else await this.#open(install, partition, name);
    }
  }

  async #open(install: InstallBucket, partition: number, name: string): Promise<void> {
    await this.#nats.ensureStream(this.#definition(partition));
    await this.#keepEpoch(install, name);
  }

  async #assertRooms(install: InstallBucket): Promise<void> {
    const name = `KV_${BUCKETS.rooms.name}`;
    if (!(await this.#isGone(install, name))) return;
    throw new Error(
      `The bucket "${BUCKETS.rooms.name}" was there and is gone: restore it, or delete the key ${installStreamKey(name)} of the bucket "${BUCKETS.install.name}" to begin without the rooms it held.`,
    );
  }

  async #isGone(install: InstallBucket, name: string): Promise<boolean> {
    const known = await install.get(installStreamKey(name));
    return known !== undefined && (await this.#epochOf(name)) === undefined;
  }

  async #epochOf(name: string): Promise<string | undefined> {
    try {
      return epochOf((await this.#nats.streamState(name)).created);
    } catch (cause) {
      if (cause instanceof BusError && cause.code === 'not_found') return undefined;
      throw cause;
    }
  }

  /** Notes which incarnation of a stream there is, so that its loss is known for one. */
  async #keepEpoch(install: InstallBucket, name: string): Promise<void> {
    const epoch = await this.#epochOf(name);
    if (epoch === undefined || this.#epochs.get(name) === epoch) return;
    const known = await install.get(installStreamKey(name));
    const before = known === undefined ? undefined : installStream(known.value).epoch;
    if (before !== undefined && before !== epoch) {
      this.#log.warn({ stream: name, before, epoch }, 'the stream was made anew by somebody else');
    }
    const isNoted =
      before === epoch || (await install.put(installStreamKey(name), { epoch })).kind === 'stored';
    if (isNoted) this.#epochs.set(name, epoch);
  }

  async #checkAll(install: InstallBucket): Promise<void> {
    for (const [partition, name] of this.#streams.entries()) {
      await this.#check(install, partition, name).catch((cause: unknown) => {
        this.#log.warn({ stream: name, err: cause }, 'the stream could not be checked');
      });
    }
  }

  async #check(install: InstallBucket, partition: number, name: string): Promise<void> {
    if ((await this.#epochOf(name)) === undefined) {
      this.#lose(name);
      return;
    }
    if (this.#lost.has(name)) await this.#open(install, partition, name);
    else await this.#keepEpoch(install, name);
    if (this.#lost.delete(name)) this.#log.info({ stream: name }, 'the stream is back');
  }

  #lose(name: string): void {
    if (this.#lost.has(name)) return;
    this.#lost.add(name);
    this.#log.error(
      { stream: name, key: installStreamKey(name) },
      'the stream is gone: its rooms are unavailable until it is restored, or its key in the bucket install is deleted and chat restarted',
    );
  }
}
