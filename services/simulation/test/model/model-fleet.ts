/** The simulation processes of the model, and a matchmaker's way to them. */

import type { SimHosted } from '@breakwater/bus';
import type { GameDefinition } from '@breakwater/game-kit';
import type { ModelClock } from '@breakwater/testkit';
import type { StopReason } from '../../src/domain/owner-types.ts';
import { DEFAULT_OWNER_OPTIONS, type OwnerOptions } from '../../src/domain/owner-types.ts';
import { sleep } from '../../src/domain/ports.ts';
import { type Broker, GAME } from './broker.ts';
import { PROCESSES } from './command.ts';
import { HOST_TIMEOUT_MS, ModelProcess, type ProcessEvents } from './model-process.ts';
import { lab, nextLab } from './next-lab.ts';
import type { Seam } from './seeded-bugs.ts';

const RESPAWN_MS = 300;
const WARM_TIMEOUT_MS = 400;
export const definition = lab;

/** The game type that the processes host. */
export interface ModelGame {
  /** In the version that they begin with, and in the next one. */
  readonly versions: readonly [GameDefinition, GameDefinition];
  readonly options: Readonly<Record<string, unknown>>;
  readonly owner: OwnerOptions;
}

export const LAB: ModelGame = {
  versions: [lab, nextLab],
  options: { hp: 3 },
  owner: {
    ...DEFAULT_OWNER_OPTIONS,
    hashEveryRecords: 1,
    snapshotEveryRecords: 4,
    maxRestartsPerMinute: 1_000,
  },
};

export interface FleetParts {
  readonly broker: Broker;
  readonly clock: ModelClock;
  readonly random: () => number;
  readonly seam: Seam;
  readonly events: ProcessEvents;
  readonly game?: ModelGame;
}

export class ModelFleet {
  readonly processes: ModelProcess[];
  /** The highest epoch that any answer named: what a registry would hold. */
  heardEpoch = 0;
  /** Epochs whose owners gave the game up in order, and had the time for it. */
  readonly leftInOrder = new Set<number>();
  /** Games that one process gave up and the next one took, in order. */
  moves = 0;
  readonly #parts: FleetParts;
  readonly #game: ModelGame;
  /** By process: the version of the game that it has. */
  readonly #definitions: GameDefinition[];
  /** By process: when the requests arrived that it has not answered. */
  readonly #askedMs = new Map<ModelProcess, Set<{ readonly ms: number }>>();
  #nonces = 0;
  #isOver = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#game = parts.game ?? LAB;
    this.#definitions = Array.from({ length: PROCESSES }, () => this.#game.versions[0]);
    this.processes = Array.from({ length: PROCESSES }, (_, index) => this.#spawn(index));
  }

  at(index: number): ModelProcess {
    const process = this.processes[index];
    if (process === undefined) throw new RangeError(`there is no process ${index}`);
    return process;
  }

  crash(index: number): void {
    const process = this.at(index);
    if (process.isDead) return;
    process.kill();
    this.#parts.clock.after(RESPAWN_MS, () => {
      if (!this.#isOver) this.processes[index] = this.#spawn(index);
    });
  }

  /** Comes back with the next version. */
  upgrade(index: number): void {
    this.#definitions[index] = this.#game.versions[1];
    this.crash(index);
  }

  /** What every request to the process names. */
  #place(index: number) {
    const { type, schemaVersion } = this.at(index).definition;
    return { game: GAME, type, schemaVersion };
  }

  pause(index: number, ms: number): void {
    const process = this.at(index);
    process.pause();
    this.#parts.clock.after(ms, () => process.resume());
  }

  /** By way of the process's connection, as any request. Never answered when the process dies over it. */
  host(index: number, epoch: number, tailSeq?: number): Promise<SimHosted> {
    const process = this.at(index);
    const { link, host } = process;
    const { promise, resolve } = Promise.withResolvers<SimHosted>();
    const request = { ...this.#place(index), epoch, options: this.#game.options, seed: 11 };
    const hear = (answer: SimHosted) => {
      this.heardEpoch = Math.max(this.heardEpoch, answer.epoch);
      resolve(answer);
    };
    link.down(() => {
      const hosting = host.host({ ...request, ...(tailSeq !== undefined && { tailSeq }) });
      this.#note(process, hosting);
      void hosting.then((answer) => link.up(() => hear(answer)));
    });
    return promise;
  }

  /** Resolves with the sequence of the last record, or `undefined` when the game is not there at that epoch. */
  release(index: number, epoch: number): Promise<number | undefined> {
    const process = this.at(index);
    const { link, host } = process;
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    link.down(() => {
      if (this.#parts.seam.isReleaseAbrupt)
        host
          .owners()
          .find((owner) => owner.epoch === epoch)
          ?.stop('released');
      const releasing = host.release(GAME, epoch);
      this.#note(process, releasing);
      void releasing.then((seq) => link.up(() => resolve(seq)));
    });
    return promise;
  }

  #note(process: ModelProcess, answer: Promise<unknown>): void {
    const asked = { ms: this.#parts.clock.monotonicMs() };
    const open = this.#askedMs.get(process) ?? new Set();
    this.#askedMs.set(process, open.add(asked));
    void answer.then(() => open.delete(asked));
  }

  #onStopped(process: ModelProcess, epoch: number, reason: StopReason): void {
    const asked = Array.from(this.#askedMs.get(process) ?? [], ({ ms }) => ms);
    const tookMs = this.#parts.clock.monotonicMs() - Math.min(...asked);
    if (reason === 'shutdown' || (reason === 'released' && tookMs < HOST_TIMEOUT_MS / 2))
      this.leftInOrder.add(epoch);
  }

  /** Nobody waits for the answer for ever: the process may die over it. */
  warm(index: number): Promise<void> {
    const { link, host } = this.at(index);
    const { promise, resolve } = Promise.withResolvers<void>();
    link.down(() => void host.warm(this.#place(index)).then(() => link.up(resolve)));
    return Promise.race([promise, sleep(this.#parts.clock, WARM_TIMEOUT_MS)]);
  }

  /** As a leader does it: `warm` at the successor, `release` at the owner, `host` at the successor. */
  async move(from: number, to: number): Promise<void> {
    await this.warm(to);
    const epoch = this.heardEpoch;
    const tailSeq = await this.release(from, epoch);
    if (tailSeq === undefined) return;
    const { outcome } = await this.host(to, epoch + 1, tailSeq);
    if (outcome === 'hosted') this.moves += 1;
  }

  /** In order. */
  async stop(): Promise<void> {
    this.#isOver = true;
    const { signal } = new AbortController();
    await Promise.all(this.processes.map((process) => process.stop(signal)));
  }

  /** What is there although everything has stopped. */
  leftovers(): string[] {
    return this.processes.flatMap(({ name, host, clock }) => [
      ...(host.isEmpty ? [] : [`${name} still has games`]),
      ...(host.warmGames > 0 ? [`${name} still has warm games`] : []),
      ...(clock.pending > 0 ? [`${name} still has ${clock.pending} timers`] : []),
    ]);
  }

  #spawn(index: number): ModelProcess {
    const { broker, random, seam } = this.#parts;
    const events: ProcessEvents = {
      ...this.#parts.events,
      onStopped: (process, epoch, reason, detail) => {
        this.#onStopped(process, epoch, reason);
        this.#parts.events.onStopped(process, epoch, reason, detail);
      },
    };
    const { versions, owner } = this.#game;
    const definition = this.#definitions[index] ?? versions[0];
    const setup = { name: `sim-${index}`, broker, random, definition, owner, seam, events };
    return new ModelProcess({ ...setup, nonce: () => this.#nonce() });
  }

  #nonce(): string {
    this.#nonces += 1;
    return `nonce-${this.#nonces}`;
  }
}
