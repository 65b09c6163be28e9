/**
 * Makes room in a log that takes no more records. A snapshot usually comes with an append, and the log is purged
 * behind it; where nothing can be appended, the state is worked out from the log itself.
 */

import { hashParts } from '@breakwater/game-kit';
import type { Chain } from './chain.ts';
import { encodeDetails, type GameDetails, type GameFactory } from './game-factory.ts';
import { loadGame } from './loader.ts';
import type { OwnerPorts } from './ports.ts';
import { type SnapshotResult, takeSnapshot } from './snapshots.ts';

export interface RoomMakerDeps {
  readonly ports: OwnerPorts;
  readonly factory: GameFactory;
  readonly details: GameDetails;
  readonly chain: Chain;
  readonly onSnapshot: (result: SnapshotResult) => void;
  readonly isOver: () => boolean;
}

/** Between two tries: doubled while they remove nothing, because each reads the log and writes the state. */
const FIRST_MS = 2_000;
const MAX_MS = 10_000;
const GIVE_UP_MS = 10_000;

export class RoomMaker {
  readonly #deps: RoomMakerDeps;
  #nextMs = Number.NEGATIVE_INFINITY;
  #delayMs = FIRST_MS;
  #purgedBelow = 0;
  #isRunning = false;

  constructor(deps: RoomMakerDeps) {
    this.#deps = deps;
  }

  /** Now and then at most, and one at a time. */
  run(): void {
    const nowMs = this.#deps.ports.clock.monotonicMs();
    if (this.#isRunning || nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + this.#delayMs;
    this.#delayMs = Math.min(MAX_MS, this.#delayMs * 2);
    this.#isRunning = true;
    void this.#make().finally(() => {
      this.#isRunning = false;
    });
  }

  /** Two snapshots have to be there before anything is purged; the same one twice is as good. */
  async #make(): Promise<void> {
    for (let snapshots = 0; snapshots < 2; snapshots++) {
      const result = await this.#snapshot();
      this.#deps.onSnapshot(result);
      if (result.kind !== 'taken') return;
      if (result.purgedBelow > this.#purgedBelow) this.#delayMs = FIRST_MS;
      this.#purgedBelow = result.purgedBelow;
      if (result.purgedBelow > 0) return;
    }
  }

  async #snapshot(): Promise<SnapshotResult> {
    const { ports, factory, chain, details, isOver } = this.#deps;
    const { clock, random } = ports;
    const deadlineMs = clock.monotonicMs() + GIVE_UP_MS;
    const retry = { clock, random, isOver: () => isOver() || clock.monotonicMs() >= deadlineMs };
    try {
      const load = await loadGame({ ...ports, factory }, chain.lastSeq);
      if (load.kind !== 'loaded') return { kind: 'unavailable', cause: load.detail };
      const { instance, head, seq, restarts } = load.replay;
      if (instance === undefined || head === undefined) return { kind: 'unavailable', cause: 'no state yet' };
      const { type, schemaVersion } = factory.definition;
      if (load.replay.schemaVersion !== schemaVersion || instance.definition.schemaVersion !== schemaVersion)
        return { kind: 'unavailable', cause: 'the log does not hold the new version yet' };
      const parts = instance.encodeState();
      return await takeSnapshot(
        { ...ports, retry },
        {
          ...head,
          type,
          schemaVersion,
          details: encodeDetails({ ...details, restarts }),
          logSeq: seq,
          tick: parts.tick,
          hash: hashParts(parts),
          parts,
        },
      );
    } catch (cause) {
      return { kind: 'unavailable', cause: cause instanceof Error ? cause.message : String(cause) };
    }
  }
}
