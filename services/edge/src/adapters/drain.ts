import { CLOSE, type CloseEntry } from '@breakwater/protocol';
import type { DrainContext } from '@breakwater/service-kit';
import { moveTimes } from '../domain/move-times.ts';
import type { Connection } from './connection.ts';
import type { EdgeDeps } from './deps.ts';
import { pause } from './log-reader.ts';
import type { ConnectionRegistry } from './registry.ts';

const LOOK_MS = 100;
/** After a close frame a client gets this long to answer before its socket is destroyed. */
const FAREWELL_MS = 500;
/** Close frames are written in turns of so many, so that the process stays responsive. */
const BATCH = 500;

/** Empties the edge: each client is told when to move, the rest are closed, the deaf are cut off. */
export class Drainer {
  readonly #deps: EdgeDeps;
  readonly #registry: ConnectionRegistry;

  constructor(deps: EdgeDeps, registry: ConnectionRegistry) {
    this.#deps = deps;
    this.#registry = registry;
  }

  /** Ends when every client has moved or had its time. */
  async drain(context: DrainContext): Promise<void> {
    const { clock, config, log } = this.#deps;
    const spreadMs = Math.min(
      config.drainSpreadMs,
      Math.max(0, context.remainingMs() - config.drainGraceMs - FAREWELL_MS),
    );
    this.#announce(spreadMs);
    log.info({ connections: this.#registry.size, spreadMs }, 'clients are told to move');
    while (this.#registry.size > 0 && !context.signal.aborted) {
      await pause(this.#deps, LOOK_MS);
      this.#closeOverdue(clock.monotonicMs());
    }
    await this.closeAll(CLOSE.restart);
  }

  /** Closes everybody at once. */
  async closeAll(entry: CloseEntry): Promise<void> {
    let count = 0;
    for (const connection of [...this.#registry]) {
      this.#registry.close(connection, entry);
      count += 1;
      if (count % BATCH === 0) await pause(this.#deps, 0);
    }
    const untilMs = this.#deps.clock.monotonicMs() + FAREWELL_MS;
    while (this.#registry.size > 0 && this.#deps.clock.monotonicMs() < untilMs)
      await pause(this.#deps, LOOK_MS / 4);
    for (const connection of [...this.#registry]) connection.ws.terminate();
  }

  #announce(spreadMs: number): void {
    const { clock, config, delivery, metrics } = this.#deps;
    const connections = [...this.#registry];
    const times = moveTimes(connections.length, spreadMs, Math.random);
    const nowMs = clock.monotonicMs();
    for (const [index, connection] of connections.entries()) {
      const inMs = times[index] ?? 0;
      connection.moveByMs = nowMs + inMs + config.drainGraceMs;
      delivery.send(connection, { t: 'move', inMs });
      metrics.moves.add(1);
    }
  }

  #closeOverdue(nowMs: number): void {
    for (const connection of [...this.#registry]) {
      if (connection.moveByMs <= nowMs) this.#closeOne(connection);
    }
  }

  /** The second time around, the close frame was not answered. */
  #closeOne(connection: Connection): void {
    if (connection.isGone && connection.moveByMs + FAREWELL_MS <= this.#deps.clock.monotonicMs()) {
      connection.ws.terminate();
    } else if (!connection.isGone) this.#registry.close(connection, CLOSE.restart);
  }
}
