import {
  allGameLogs,
  allGameSnapshots,
  BUCKETS,
  gameEntry,
  gameId,
  gameOfSubject,
  gameStreamName,
  type Subjects,
  snapshotStreamName,
} from '@breakwater/bus';
import {
  type Bucket,
  BusError,
  type Cancel,
  type Clock,
  type Logger,
  type NatsBus,
} from '@breakwater/service-kit';
import { endFailed } from '../domain/end-failed.ts';
import type { LogPort } from '../domain/ports.ts';
import { Retention, type RetentionAct, type RetentionPorts, type Standing } from '../domain/retention.ts';

export interface SweeperOptions {
  readonly pod: string;
  readonly partitions: number;
  readonly replicas: number;
  /** Between two partitions, shortened or lengthened by up to a half so that processes do not meet. */
  readonly sweepMs: number;
  readonly endedRetentionMs: number;
  /** 0: what the registry does not know is left alone. */
  readonly forgottenRetentionMs: number;
  readonly tombstoneRetentionMs: number;
}

export interface SweeperDeps {
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nonce: () => string;
  readonly chain: (game: string) => LogPort;
  readonly onAct: (act: RetentionAct) => void;
}

const PACE_MS = 5;
const MAX_REMEMBERED = 500_000;

type Registry = Bucket<ReturnType<typeof gameEntry>>;

/** Sweeps one partition after the other, from a random one on: what one process did the next one finds done. */
export class Sweeper {
  readonly #deps: SweeperDeps;
  readonly #options: SweeperOptions;
  readonly #retention: Retention;
  readonly #ended = new AbortController();
  #partition: number;
  #cancel: Cancel | undefined;
  #registry: Promise<Registry> | undefined;

  constructor(deps: SweeperDeps, options: SweeperOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#partition = Math.floor(Math.random() * options.partitions);
    const limits = {
      endedMs: options.endedRetentionMs,
      forgottenMs: options.forgottenRetentionMs,
      tombstoneMs: options.tombstoneRetentionMs,
      quietMs: options.sweepMs,
      paceMs: PACE_MS,
      maxRemembered: MAX_REMEMBERED,
    };
    this.#retention = new Retention(this.#ports(), limits, (act, game) => {
      deps.onAct(act);
      deps.log.debug({ game, act }, 'a game that is over was tidied up');
    });
  }

  start(): void {
    const delayMs = this.#options.sweepMs * (0.5 + Math.random());
    this.#cancel = this.#deps.clock.after(delayMs, () => void this.#sweep());
  }

  stop(): void {
    this.#ended.abort();
    this.#cancel?.();
  }

  async #sweep(): Promise<void> {
    const { nats, log } = this.#deps;
    const partition = this.#partition;
    this.#partition = (partition + 1) % this.#options.partitions;
    try {
      if (nats.isConnected) await this.#retention.sweep(partition, this.#ended.signal);
    } catch (cause) {
      log.debug({ partition, err: cause }, 'a sweep of ended games was cut short');
    }
    if (!this.#ended.signal.aborted) this.start();
  }

  #ports(): RetentionPorts {
    const { nats, subjects, clock, chain, nonce } = this.#deps;
    const { partitions, pod } = this.#options;
    const logStream = (game: string) => gameStreamName(gameId(game), partitions);
    const snapStream = (game: string) => snapshotStreamName(gameId(game), partitions);
    const list = ({ stream, filter }: { stream: string; filter: string }) => nats.subjects(stream, filter);
    const dropSnapshots = (game: string) =>
      nats.purgeSubject(snapStream(game), subjects.gameSnapshots(gameId(game)), { keep: 0 });
    return {
      games: async (partition) => byGame(await list(allGameLogs(partition))),
      snapshotted: async (partition) => new Set(byGame(await list(allGameSnapshots(partition))).keys()),
      tail: async (game) => {
        const message = await nats.lastMessage(logStream(game), subjects.gameLog(gameId(game)));
        return message && { seq: message.seq, bytes: message.data, unixMs: message.timeMs };
      },
      standing: (game) => this.#standing(game),
      end: (game, tail, failed) =>
        endFailed({ log: chain(game), clock, random: Math.random, pod, nonce: nonce() }, tail, failed),
      trim: async (game, seq) => {
        await dropSnapshots(game);
        await nats.purgeSubject(logStream(game), subjects.gameLog(gameId(game)), { belowSeq: seq });
      },
      forget: async (game) => {
        await dropSnapshots(game);
        await nats.purgeSubject(logStream(game), subjects.gameLog(gameId(game)), { keep: 0 });
      },
      clock,
      unixMs: () => clock.unixMs(),
    };
  }

  async #standing(game: string): Promise<Standing> {
    const { nats } = this.#deps;
    const definition = { ...BUCKETS.games, replicas: this.#options.replicas };
    try {
      this.#registry ??= nats.openBucket(definition, { decode: gameEntry });
      const entry = (await (await this.#registry).get(game))?.value;
      if (entry?.state === 'failed') return { kind: 'failed', game: { ...entry, details: entry } };
      return { kind: entry === undefined && (await this.#isRegistryOld()) ? 'missing' : 'open' };
    } catch (cause) {
      this.#registry = undefined;
      if (cause instanceof BusError && cause.code === 'not_found') return { kind: 'open' };
      throw cause;
    }
  }

  /** A registry that was lost and made anew knows nothing of the games before it. */
  async #isRegistryOld(): Promise<boolean> {
    const { nats, clock } = this.#deps;
    const { forgottenRetentionMs } = this.#options;
    if (forgottenRetentionMs === 0) return false;
    const { created } = await nats.streamState(`KV_${BUCKETS.games.name}`);
    return clock.unixMs() - Date.parse(created) >= forgottenRetentionMs;
  }
}

function byGame(counts: ReadonlyMap<string, number>): Map<string, number> {
  return new Map(Array.from(counts, ([subject, count]) => [gameOfSubject(subject), count]));
}
