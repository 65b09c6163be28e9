/** `undefined` is well; a text says what is wrong. */
export type Check = () => string | undefined;

export interface HealthReport {
  readonly ok: boolean;
  /** Each check by name: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

function run(check: Check): string {
  try {
    return check() ?? 'ok';
  } catch (cause) {
    return `check threw: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

function report(checks: ReadonlyMap<string, Check>): HealthReport {
  const results = [...checks].map(([name, check]) => [name, run(check)] as const);
  return { ok: results.every(([, result]) => result === 'ok'), checks: Object.fromEntries(results) };
}

/**
 * Three different questions. Live: would a restart help? Started: is the start over?
 * Ready: shall new work come here?
 */
export class Health {
  readonly #live = new Map<string, Check>();
  readonly #ready = new Map<string, Check>();
  #phase: 'starting' | 'running' | 'ending' = 'starting';

  constructor() {
    this.#ready.set('lifecycle', () => (this.#phase === 'running' ? undefined : this.#phase));
  }

  /** Fails only when nothing but a restart helps. */
  addLiveness(name: string, check: Check): void {
    this.#live.set(name, check);
  }

  addReadiness(name: string, check: Check): void {
    this.#ready.set(name, check);
  }

  /** The start is over; from now on readiness is what the checks say. */
  markStarted(): void {
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  /** Not ready from now on. */
  markEnding(): void {
    this.#phase = 'ending';
  }

  live(): HealthReport {
    return report(this.#live);
  }

  ready(): HealthReport {
    return report(this.#ready);
  }

  started(): HealthReport {
    const ok = this.#phase !== 'starting';
    return { ok, checks: { start: ok ? 'ok' : 'starting' } };
  }
}
