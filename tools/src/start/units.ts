import {
  type ExitStatus,
  freePort,
  isPortFree,
  type LogLine,
  launchProcess,
  type ManagedProcess,
  NatsNode,
  type StopOptions,
  type SupervisedUnit,
} from '@breakwater/testkit';

const USUAL_NATS_PORT = 4222;

/** A nats-server that keeps its store in `dir`, on the usual port when that is free. */
export async function createNatsUnit(
  binary: string,
  dir: string,
  onLine: (line: LogLine) => void,
): Promise<NatsNode> {
  const port = (await isPortFree(USUAL_NATS_PORT)) ? USUAL_NATS_PORT : await freePort();
  const config = { name: 'nats-1', port, monitorPort: await freePort(), storeDir: `${dir}/store` };
  return new NatsNode(binary, dir, config, onLine);
}

/** A program that counts as ready as soon as it runs. */
export class ProgramUnit implements SupervisedUnit {
  readonly name: string;
  readonly #command: readonly [string, ...string[]];
  readonly #env: Readonly<Record<string, string>>;
  readonly #onLine: (line: LogLine) => void;
  #process: ManagedProcess | undefined;

  constructor(
    name: string,
    command: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
    onLine: (line: LogLine) => void,
  ) {
    this.name = name;
    this.#command = command;
    this.#env = env;
    this.#onLine = onLine;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get exited(): Promise<ExitStatus> {
    if (this.#process === undefined) throw new Error(`${this.name} was not started`);
    return this.#process.exited;
  }

  start(): Promise<void> {
    const [command, ...args] = this.#command;
    this.#process = launchProcess({ name: this.name, command, args, env: this.#env });
    this.#process.onLine(this.#onLine);
    return Promise.resolve();
  }

  async stop(options: StopOptions): Promise<void> {
    await this.#process?.stop(options);
  }
}
