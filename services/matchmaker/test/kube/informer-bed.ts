import { Writable } from 'node:stream';
import { createLogOutput, type Logger, systemClock } from '@breakwater/service-kit';
import { connectKubernetes } from '../../src/adapters/kube/connect.ts';
import { type InformerLimits, PodInformer } from '../../src/adapters/kube/pod-informer.ts';
import { PodBook } from '../../src/domain/pods.ts';

export interface InformerBedOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly limits?: Partial<InformerLimits>;
  readonly onChange?: () => void;
}

const LIMITS: InformerLimits = {
  podSelector: 'app=sim',
  watchMs: 5_000,
  watchIdleMs: 7_000,
  relistMs: 60_000,
  kubeRetryMs: 600,
  kubeForbiddenRetryMs: 60_000,
  maxPods: 100,
};

/** An informer on its own, with everything that it says. */
export class InformerBed implements AsyncDisposable {
  readonly book = new PodBook(100);
  readonly hints: string[] = [];
  readonly failures: string[] = [];
  readonly warnings: string[] = [];
  changes = 0;
  readonly informer: PodInformer;

  private constructor(
    options: InformerBedOptions,
    connection: NonNullable<Awaited<ReturnType<typeof connectKubernetes>>>,
  ) {
    this.informer = new PodInformer({
      ...connection,
      book: this.book,
      clock: systemClock,
      random: Math.random,
      log: this.#log(),
      limits: { ...LIMITS, ...options.limits },
      onChange: (hints) => {
        this.changes += 1;
        this.hints.push(...hints);
        options.onChange?.();
      },
      onFailure: (failure) => this.failures.push(failure),
    });
  }

  static async start(options: InformerBedOptions): Promise<InformerBed> {
    const connection = await connectKubernetes({ kubernetes: 'on', kubeTimeoutMs: 5_000, ...options });
    if (connection === undefined) throw new Error('no way to the Kubernetes API');
    const bed = new InformerBed(options, connection);
    bed.informer.start();
    return bed;
  }

  get names(): string[] {
    return [...this.book.pods()].map(({ name }) => name).sort();
  }

  count(failure: string): number {
    return this.failures.filter((each) => each === failure).length;
  }

  #log(): Logger {
    const stream = new Writable({
      write: (line, _encoding, done) => {
        const { level, msg } = JSON.parse(String(line)) as { level: string; msg: string };
        if (level === 'warn' || level === 'error') this.warnings.push(msg);
        done();
      },
    });
    return createLogOutput({ service: 'test', instance: 'test', level: 'debug', stream }).log;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.informer.stop();
  }
}
