/** The planned end of a process: its games go on here until others have them. */

import { type ClockPort, sleep } from './ports.ts';

export interface DrainOptions {
  /** For the matchmaker to move the games away. */
  readonly handOverMs: number;
  /** The same while no other process is heard of that could take them. */
  readonly handOverAloneMs: number;
  /** Others are heard within this time if there are any. */
  readonly listenMs: number;
}

export interface DrainPorts {
  readonly clock: ClockPort;
  /** Nothing is hosted any more. */
  isEmpty(): boolean;
  /** When another process was last heard that takes games; `undefined`: never. */
  otherHeardAtMs(): number | undefined;
  /** The time for all of this is over. */
  isCutOff(): boolean;
}

/** `empty`: every game was moved. `alone`: nobody is there to take them. `late`: the time is over. */
export type DrainEnd = 'empty' | 'alone' | 'late';

const LOOK_EVERY_MS = 20;

/** Resolves when the process may leave. */
export async function untilHandedOver(ports: DrainPorts, options: DrainOptions): Promise<DrainEnd> {
  const { clock } = ports;
  const beginMs = clock.monotonicMs();
  const aloneMs = Math.max(options.listenMs, Math.min(options.handOverAloneMs, options.handOverMs));
  for (;;) {
    if (ports.isEmpty()) return 'empty';
    const nowMs = clock.monotonicMs();
    if (ports.isCutOff() || nowMs - beginMs >= options.handOverMs) return 'late';
    if (nowMs - (ports.otherHeardAtMs() ?? beginMs) >= aloneMs) return 'alone';
    await sleep(clock, LOOK_EVERY_MS);
  }
}
