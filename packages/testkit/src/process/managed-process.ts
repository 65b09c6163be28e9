import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { guardGroup, unguardGroup } from './guard.ts';
import { type LogLine, lastWords, parseLogLine } from './log-line.ts';
import { waitUntilStopped } from './thread-states.ts';

export interface ProcessOptions {
  /** Shown in errors and logs, e.g. `edge-1`. */
  name: string;
  command: string;
  args?: readonly string[];
  /** The whole environment of the child; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  cwd?: string;
  /** Log lines kept for `lines`, oldest dropped first; default 5 000. */
  keepLines?: number;
}

/** How a process ended: exactly one of the two is not null. */
export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface StopOptions {
  /** Sent first, default `SIGTERM`. */
  signal?: NodeJS.Signals;
  /** After this time the whole group gets SIGKILL, default 5 000 ms. */
  timeoutMs?: number;
}

/** A child process in a process group of its own, with its log lines. */
export interface ManagedProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** The newest log lines of stdout and stderr, oldest first. */
  readonly lines: readonly LogLine[];
  /** Set once the process has ended. */
  readonly exitStatus: ExitStatus | undefined;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Calls back for every later line; returns a function that ends this. */
  onLine(listener: (line: LogLine) => void): () => void;
  /** The first line, kept or still to come, that the test accepts. Rejects when the process ends or the time is over. */
  waitForLine(accept: (line: LogLine) => boolean, timeoutMs: number): Promise<LogLine>;
  /** Sends a signal to the group; false when it is gone. */
  signal(signal: NodeJS.Signals): boolean;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<ExitStatus>;
  /** SIGSTOP: alive, holds its sockets, does nothing. On Linux nothing of it runs any more when this returns. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Asks first, kills when it takes too long. */
  stop(options?: StopOptions): Promise<ExitStatus>;
}

/**
 * Starts a process in a new group that ends with this process at the latest.
 *
 * @throws Error when the command cannot be started
 */
export async function spawnProcess(options: ProcessOptions): Promise<ManagedProcess> {
  const child = launchProcess(options);
  if (child.pid > 0) return child;
  await child.exited;
  throw new Error(child.lines[0]?.text ?? `${options.name} did not start`);
}

/** As `spawnProcess`, without waiting: a command that cannot be started ends with code -1 and a line that says why. */
export function launchProcess(options: ProcessOptions): ManagedProcess {
  const child = spawn(options.command, [...(options.args ?? [])], {
    env: { ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new ChildProcessHandle(child, options);
}

class ChildProcessHandle implements ManagedProcess {
  readonly name: string;
  readonly pid: number;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<ExitStatus>;
  exitStatus: ExitStatus | undefined;
  readonly #listeners = new Set<(line: LogLine) => void>();
  readonly #keepLines: number;

  constructor(child: ChildProcess, options: ProcessOptions) {
    this.name = options.name;
    this.pid = child.pid ?? 0;
    this.#keepLines = options.keepLines ?? 5_000;
    if (this.pid > 0) guardGroup(this.pid);
    this.#read(child.stdout, 'stdout');
    this.#read(child.stderr, 'stderr');
    this.exited = new Promise((resolve) => {
      // 'close' comes after the last line was read, unless a grandchild holds the pipe open: then the exit counts.
      child.once('close', (code, signal) => resolve(this.#ended({ code, signal })));
      child.once('exit', (code, signal) =>
        setTimeout(() => resolve(this.#ended({ code, signal })), 250).unref(),
      );
      child.once('error', (error) => {
        if (this.pid === 0)
          this.#take(parseLogLine(`${this.name} did not start: ${error.message}`, 'stderr'));
        resolve(this.#ended({ code: -1, signal: null }));
      });
    });
  }

  #ended(status: ExitStatus): ExitStatus {
    if (this.exitStatus !== undefined) return this.exitStatus;
    this.exitStatus = status;
    signalGroup(this.pid, 'SIGKILL');
    if (this.pid > 0) unguardGroup(this.pid);
    return status;
  }

  #read(stream: Readable | null, source: LogLine['source']): void {
    if (stream === null) return;
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (text) => this.#take(parseLogLine(text, source)));
  }

  #take(line: LogLine): void {
    this.lines.push(line);
    if (this.lines.length > this.#keepLines) this.lines.shift();
    for (const listener of this.#listeners) listener(line);
  }

  onLine(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  waitForLine(accept: (line: LogLine) => boolean, timeoutMs: number): Promise<LogLine> {
    const known = this.lines.find(accept);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        forget();
        settle();
      };
      const fail = (what: string) => finish(() => reject(new Error(`${this.name} ${what}\n${this.#tail()}`)));
      const forget = this.onLine((line) => {
        if (accept(line)) finish(() => resolve(line));
      });
      const timer = setTimeout(() => fail(`did not say so within ${timeoutMs} ms`), timeoutMs);
      void this.exited.then((status) => {
        const words = lastWords(this.lines);
        fail(`ended (${describeExit(status)}) before it was ready${words === undefined ? '' : `: ${words}`}`);
      });
    });
  }

  #tail(): string {
    return this.lines
      .slice(-15)
      .map((line) => `  ${line.text}`)
      .join('\n');
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.exitStatus === undefined && signalGroup(this.pid, signal);
  }

  kill(): Promise<ExitStatus> {
    this.signal('SIGKILL');
    return this.exited;
  }

  pause(): void {
    if (this.signal('SIGSTOP')) waitUntilStopped(this.pid);
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  async stop(options: StopOptions = {}): Promise<ExitStatus> {
    this.signal(options.signal ?? 'SIGTERM');
    // A paused process would sit on the signal until somebody wakes it.
    this.signal('SIGCONT');
    const killer = setTimeout(() => this.signal('SIGKILL'), options.timeoutMs ?? 5_000);
    const status = await this.exited;
    clearTimeout(killer);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** `exit code 1` or `signal SIGKILL`. */
export function describeExit(status: ExitStatus): string {
  return status.signal === null ? `exit code ${status.code}` : `signal ${status.signal}`;
}

function signalGroup(groupId: number, signal: NodeJS.Signals): boolean {
  // kill(0) and kill(-1) mean "my own group" and "everybody".
  if (groupId <= 1) return false;
  try {
    process.kill(-groupId, signal);
    return true;
  } catch {
    return false;
  }
}
