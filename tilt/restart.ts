/**
 * First process of a container under Tilt: runs `main.ts`, and starts it again at SIGHUP, which Tilt sends when it has
 * copied all files of an edit. Node's own `--watch` would not do: it overlooks files that are replaced, as `tar` does.
 */

import { type ChildProcess, spawn } from 'node:child_process';

/** Sockets of a service that is started again are moved as at any stop, so it gets the same signal. */
const STOP = 'SIGTERM';

class Restarter {
  #child: ChildProcess | undefined;
  #isRestarting = false;
  #isStopping = false;
  #isEdited = false;
  /** Without a child nothing else would keep this process. */
  readonly #awake = setInterval(() => undefined, 60_000);

  start(): void {
    this.#isRestarting = false;
    this.#child = spawn(process.execPath, ['main.ts'], { stdio: 'inherit' });
    this.#child.once('exit', (code) => this.#ended(code ?? 1));
  }

  restart(): void {
    this.#isEdited = true;
    if (this.#child === undefined) {
      this.start();
      return;
    }
    // A second signal would end a service in the midst of its goodbyes.
    if (!this.#isRestarting) this.#child.kill(STOP);
    this.#isRestarting = true;
  }

  stop(): void {
    this.#isStopping = true;
    if (this.#child === undefined) this.#end(0);
    else this.#child.kill(STOP);
  }

  /** A mistake in an edit waits for the next edit; one in the image is the container's end. */
  #ended(code: number): void {
    this.#child = undefined;
    if (this.#isRestarting && !this.#isStopping) this.start();
    else if (this.#isStopping || !this.#isEdited) this.#end(code);
    else console.error(`main.ts ended with ${code}; it is started again after the next edit`);
  }

  #end(code: number): void {
    process.exitCode = code;
    clearInterval(this.#awake);
  }
}

const restarter = new Restarter();
process.on('SIGHUP', () => restarter.restart());
process.on('SIGTERM', () => restarter.stop());
process.on('SIGINT', () => restarter.stop());
restarter.start();
