import type { Link } from './link.ts';
import { ProcessClock } from './model-clock.ts';
import type { ModelServer } from './model-server.ts';

/** A process in a model: its clock and its connection stand still, go on and end together. */
export class ModelClient {
  readonly name: string;
  readonly link: Link;
  readonly clock: ProcessClock;
  readonly #server: ModelServer;
  isPaused = false;
  isDead = false;

  constructor(name: string, server: ModelServer) {
    this.name = name;
    this.#server = server;
    this.link = server.newLink();
    this.clock = new ProcessClock(server.clock);
  }

  pause(): void {
    if (this.isDead) return;
    this.isPaused = true;
    this.link.holds.isClientPaused = true;
    this.clock.pause();
  }

  /** Timers come first, then what waits on the connection: as in a Node process that is continued. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.link.holds.isClientPaused = false;
    this.clock.resume();
    this.link.pump();
  }

  kill(): void {
    this.isDead = true;
    this.clock.die();
    this.link.close();
    this.#server.forget(this.link);
  }
}
