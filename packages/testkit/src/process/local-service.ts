import type { LogLine } from './log-line.ts';
import type { ExitStatus, ManagedProcess, StopOptions } from './managed-process.ts';
import { launchService, type ReadyInfo, waitUntilReady } from './service.ts';
import type { SupervisedUnit } from './supervisor.ts';

/** What is needed to start one service process, any number of times. */
export interface ServiceSpec {
  /** Folder in `services/`. */
  service: string;
  /** Unique in the stack, e.g. `edge-1`. */
  instance: string;
  env: Readonly<Record<string, string>>;
  /** Where clients reach it; only edges and the web have one. */
  url?: string;
  /** The program to run instead of the service's own. */
  entry?: string;
  /** Default 60 000 ms: a whole stack starts at once on two cores. */
  readyTimeoutMs?: number;
}

/** One place in a stack: the same instance name, ports and settings through kills and restarts. */
export class LocalService implements SupervisedUnit, AsyncDisposable {
  readonly spec: ServiceSpec;
  readonly #onLine: ((line: LogLine) => void) | undefined;
  #process: ManagedProcess | undefined;
  #ready: ReadyInfo | undefined;

  constructor(spec: ServiceSpec, onLine?: (line: LogLine) => void) {
    this.spec = spec;
    this.#onLine = onLine;
  }

  get name(): string {
    return this.spec.instance;
  }

  /** Where clients reach it. @throws Error when this service has no client port */
  get url(): string {
    if (this.spec.url === undefined) throw new Error(`${this.name} has no address for clients`);
    return this.spec.url;
  }

  /** The process that runs now, or ran last. @throws Error before the first start */
  get process(): ManagedProcess {
    if (this.#process === undefined) throw new Error(`${this.name} was not started`);
    return this.#process;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** What it said when it was ready. @throws Error before that */
  get ready(): ReadyInfo {
    if (this.#ready === undefined) throw new Error(`${this.name} was not ready yet`);
    return this.#ready;
  }

  /** Address of health and metrics. */
  get adminUrl(): string {
    return `http://127.0.0.1:${this.ready.httpPort}`;
  }

  /** The newest log lines of the process that runs now. */
  get lines(): readonly LogLine[] {
    return this.process.lines;
  }

  get exited(): Promise<ExitStatus> {
    return this.process.exited;
  }

  /** @throws Error with the last log lines when it ends, or is not ready in time */
  async start(): Promise<void> {
    const { spec } = this;
    this.#process = launchService(spec.service, {
      label: spec.instance,
      env: spec.env,
      ...(spec.entry === undefined ? {} : { entry: spec.entry }),
      ...(this.#onLine === undefined ? {} : { onLine: this.#onLine }),
    });
    this.#ready = await waitUntilReady(this.#process, spec.readyTimeoutMs ?? 60_000);
  }

  /** SIGKILL. */
  kill(): Promise<ExitStatus> {
    return this.process.kill();
  }

  /** SIGSTOP. */
  pause(): void {
    this.process.pause();
  }

  /** SIGCONT. */
  resume(): void {
    this.process.resume();
  }

  /** Kills the process when it still runs, and starts the instance again. */
  async restart(): Promise<void> {
    await this.#process?.kill();
    await this.start();
  }

  /** Asks it to end, default with SIGTERM; also when it is not ready yet. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.#process?.stop(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
