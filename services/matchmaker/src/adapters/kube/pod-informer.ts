import type { Clock, Logger } from '@breakwater/service-kit';
import { Backoff } from '../../domain/backoff.ts';
import type { Pod, PodBook } from '../../domain/pods.ts';
import type { KubeApi } from './kube-api.ts';
import { KubeError, type KubeFailure } from './kube-error.ts';
import { readPodPage, readWatchLine } from './pod-messages.ts';

const PAGE_PODS = 500;

export interface InformerLimits {
  readonly podSelector: string;
  /** The server is asked to end a watch after this, ms. */
  readonly watchMs: number;
  /** A watch without a byte for this long is dead, ms. */
  readonly watchIdleMs: number;
  readonly relistMs: number;
  /** Longest pause between two tries, ms. */
  readonly kubeRetryMs: number;
  readonly kubeForbiddenRetryMs: number;
  readonly maxPods: number;
}

export interface InformerParts {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly book: PodBook;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly limits: InformerLimits;
  /** The book has changed; these pods' processes may be gone. What it throws is counted. */
  readonly onChange: (hints: readonly string[]) => void;
  readonly onFailure: (failure: KubeFailure | 'listener') => void;
}

/**
 * Keeps the book of pods true by list and watch. It goes on for ever: whatever breaks is followed by a pause with
 * jitter and another try, and the book keeps what it has meanwhile.
 */
export class PodInformer {
  readonly #parts: InformerParts;
  readonly #backoff: Backoff;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;
  /** Version that the next watch begins at; without one a list comes first. */
  #version: string | undefined;
  #listedMs = Number.NEGATIVE_INFINITY;
  #heardMs: number | undefined;
  #trouble: string | undefined;

  constructor(parts: InformerParts) {
    this.#parts = parts;
    const longestMs = parts.limits.kubeRetryMs;
    this.#backoff = new Backoff({ firstMs: longestMs / 60, longestMs }, parts.random);
  }

  start(): void {
    this.#heardMs = this.#parts.clock.monotonicMs();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  /** Since the last list or line of a watch, ms; counted from the start before the first. */
  get ageMs(): number {
    return this.#heardMs === undefined ? 0 : this.#parts.clock.monotonicMs() - this.#heardMs;
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const pauseMs = await this.#round().catch((error: unknown) => this.#onFailure(error));
      await this.#pause(pauseMs);
    }
  }

  /** A list if it is time for one, and a watch. Returns how long to wait before the next, ms. */
  async #round(): Promise<number> {
    const { clock, limits } = this.#parts;
    if (this.#version === undefined || clock.monotonicMs() - this.#listedMs >= limits.relistMs)
      await this.#list();
    const begunMs = clock.monotonicMs();
    await this.#watch();
    // A server that ends watches at once must not be asked in circles.
    if (clock.monotonicMs() - begunMs >= limits.watchMs / 2) this.#backoff.reset();
    return this.#backoff.next();
  }

  async #list(): Promise<void> {
    const { clock, book, limits, log } = this.#parts;
    const pods: Pod[] = [];
    let next: string | undefined;
    let version = '';
    do {
      const query = new URLSearchParams({ labelSelector: limits.podSelector, limit: String(PAGE_PODS) });
      if (next !== undefined) query.set('continue', next);
      const page = readPodPage(await this.#parts.api.get(this.#path(query), this.#end.signal));
      pods.push(...page.pods);
      ({ next, version } = page);
    } while (next !== undefined && pods.length < limits.maxPods);
    this.#version = version;
    this.#listedMs = clock.monotonicMs();
    this.#heard();
    if (this.#trouble !== undefined) log.info({ pods: pods.length }, 'the pods are known again');
    this.#trouble = undefined;
    this.#tell(() => book.replace(pods));
  }

  async #watch(): Promise<void> {
    const { limits, book } = this.#parts;
    const query = new URLSearchParams({
      labelSelector: limits.podSelector,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(Math.max(1, Math.round(limits.watchMs / 1_000))),
    });
    const onLine = (line: string) => {
      const { version, change } = readWatchLine(line);
      this.#version = version;
      this.#heard();
      if (change !== undefined) this.#tell(() => book.apply(change));
    };
    const idleMs = limits.watchIdleMs;
    await this.#parts.api.watch(this.#path(query), { idleMs, signal: this.#end.signal, onLine });
    this.#heard();
  }

  #path(query: URLSearchParams): string {
    return `/api/v1/namespaces/${this.#parts.namespace}/pods?${query}`;
  }

  #heard(): void {
    this.#heardMs = this.#parts.clock.monotonicMs();
  }

  /** Somebody else's fault must not end the watch. */
  #tell(change: () => readonly string[]): void {
    const { onChange, onFailure, log } = this.#parts;
    try {
      onChange(change());
    } catch (error) {
      onFailure('listener');
      log.error({ err: error }, 'a change of the pods could not be taken in');
    }
  }

  /** Returns how long to wait before the next try, ms. */
  #onFailure(error: unknown): number {
    if (this.#end.signal.aborted) return 0;
    const { limits, log, onFailure } = this.#parts;
    const failure = error instanceof KubeError ? error.failure : 'malformed';
    onFailure(failure);
    // What was too old, or was not understood, is made good by a list.
    if (failure === 'expired' || failure === 'malformed' || failure === 'refused') this.#version = undefined;
    if (this.#trouble !== failure && failure !== 'expired') {
      this.#trouble = failure;
      log.warn({ err: error, failure }, 'the pods cannot be watched now: heartbeats alone say what runs');
    }
    return failure === 'forbidden' ? limits.kubeForbiddenRetryMs : this.#backoff.next();
  }

  #pause(pauseMs: number): Promise<void> {
    const { signal } = this.#end;
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#parts.clock.after(pauseMs, done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}
