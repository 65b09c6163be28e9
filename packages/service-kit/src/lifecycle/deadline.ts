/** A signal that fires after a time. Unlike `AbortSignal.timeout` it keeps the process alive until then. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #endsAtMs: number;
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#endsAtMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.#controller.abort(new Error('the deadline was missed')), ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Never negative. */
  remainingMs(): number {
    return Math.max(0, this.#endsAtMs - performance.now());
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Settles with `work`, or rejects with the signal's reason, whichever is first. */
export async function untilAborted(work: Promise<void> | void, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
