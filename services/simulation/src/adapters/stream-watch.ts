import { BusError, type Cancel, type Clock, type Logger, type NatsBus } from '@breakwater/service-kit';

/** A date that no stream has. */
const NEVER = '';

export interface StreamWatchDeps {
  readonly nats: NatsBus;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Notices streams that vanished under this process, or were made anew: what was in them is gone then. */
export class StreamWatch {
  readonly #deps: StreamWatchDeps;
  readonly #checkMs: number;
  /** When each was created, as the server writes it; undefined while it was not looked at. */
  readonly #created: Map<string, string | undefined>;
  readonly #lost: Set<string>;
  #cancel: Cancel | undefined;
  #checking: Promise<void> | undefined;

  /** `remade`: those of `streams` that this process found gone when it started; they count as lost as long as it runs. */
  constructor(
    deps: StreamWatchDeps,
    streams: readonly string[],
    remade: ReadonlySet<string>,
    checkMs: number,
  ) {
    this.#deps = deps;
    this.#checkMs = checkMs;
    this.#created = new Map(streams.map((stream) => [stream, remade.has(stream) ? NEVER : undefined]));
    this.#lost = new Set(remade);
  }

  /** Streams that are gone, or are not those that they were. */
  get lostStreams(): number {
    return this.#lost.size;
  }

  async start(): Promise<void> {
    await this.#checkAll();
    this.#cancel = this.#deps.clock.every(this.#checkMs, () => {
      this.#checking ??= this.#checkAll().finally(() => {
        this.#checking = undefined;
      });
    });
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#checking;
  }

  async #checkAll(): Promise<void> {
    for (const [stream, created] of this.#created) {
      try {
        const now = (await this.#deps.nats.streamState(stream)).created;
        if (created === undefined) this.#created.set(stream, now);
        else this.#judge(stream, now === created);
      } catch (cause) {
        if (!(cause instanceof BusError)) throw cause;
        if (cause.code === 'not_found') this.#judge(stream, false);
      }
    }
  }

  #judge(stream: string, isThere: boolean): void {
    if (isThere === !this.#lost.has(stream)) return;
    if (isThere) {
      this.#lost.delete(stream);
      this.#deps.log.warn({ stream }, 'a stream that was gone is back');
    } else {
      this.#lost.add(stream);
      this.#deps.log.error({ stream }, 'a stream is gone: what it held stands still, and is not begun anew');
    }
  }
}
