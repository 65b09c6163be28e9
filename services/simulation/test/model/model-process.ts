/** A simulation process in the model: the real host, on a connection and a clock of its own. */

import type { GameInput } from '@breakwater/bus';
import type { GameDefinition } from '@breakwater/game-kit';
import { ModelClient } from '@breakwater/testkit';
import { Host } from '../../src/domain/host.ts';
import type { GameWire, HostObserver, HostPorts } from '../../src/domain/host-types.ts';
import type { Answer } from '../../src/domain/inbox.ts';
import type { Owner } from '../../src/domain/owner.ts';
import type { OwnerOptions, StopReason } from '../../src/domain/owner-types.ts';
import type { AppendOutcome, Cancel, ChainPort, OwnerPorts } from '../../src/domain/ports.ts';
import { Report } from '../../src/domain/report.ts';
import { type DatedRecord, Retention, type RetentionPorts } from '../../src/domain/retention.ts';
import { DEFAULT_SCHEDULE, TickSchedule } from '../../src/domain/schedule.ts';
import type { MemoryChain } from '../memory-chain.ts';
import { SILENT_EVENTS } from '../silent-events.ts';
import { type Broker, type Delivery, GAME, type InputAnswer } from './broker.ts';
import type { Seam } from './seeded-bugs.ts';

export const APPEND_TIMEOUT_MS = 200;
const HOUSEKEEP_MS = 300;
const WARM_KEEP_MS = 800;
const TAIL_CHECK_MS = 2_000;
export const HOST_TIMEOUT_MS = 1_000;
/** What is left of an ended game outlives every run. */
const RETENTION = {
  endedMs: 200,
  forgottenMs: 0,
  tombstoneMs: 3_600_000,
  quietMs: 100,
  paceMs: 5,
  maxRemembered: 4,
};

export interface ProcessEvents {
  onStopped(process: ModelProcess, epoch: number, reason: StopReason, detail: string | undefined): void;
  /** State leaves the process. */
  onAnswer(bytes: Uint8Array): void;
  onTickError(error: unknown): void;
}

export interface ProcessSetup {
  readonly name: string;
  readonly broker: Broker;
  readonly random: () => number;
  readonly nonce: () => string;
  readonly definition: GameDefinition;
  readonly owner: OwnerOptions;
  readonly events: ProcessEvents;
  readonly seam: Seam;
}

export class ModelProcess extends ModelClient {
  readonly host: Host;
  readonly definition: GameDefinition;
  readonly #setup: ProcessSetup;
  readonly #schedule: TickSchedule;
  readonly #retention: Retention;
  readonly #stopped = new AbortController();
  #stopHousekeeping: Cancel | undefined;

  constructor(setup: ProcessSetup) {
    const { name, broker, definition, random, events } = setup;
    super(name, broker);
    this.#setup = setup;
    this.definition = definition;
    this.#retention = new Retention(this.#retentionPorts(), RETENTION, () => undefined);
    this.#schedule = new TickSchedule(this.clock, DEFAULT_SCHEDULE, events.onTickError);
    const ports: HostPorts = {
      portsOf: () => ({ ...this.#chains(), clock: this.clock, random }),
      wire: (_game, owner) => this.#wire(owner),
      follow: (_game, hear) =>
        broker.subscribeFeed(this.link, ({ seq, bytes, prev }) => hear({ seq, bytes, prevSeq: prev })),
      live: () => ({ publish: (bytes) => this.link.up(() => broker.publishLive(bytes)) }),
      nonce: () => (setup.seam.nonce ?? ((nonce) => nonce))(setup.nonce()),
      clock: this.clock,
      random,
    };
    const types = new Map([[definition.type, definition]]);
    this.host = new Host(ports, types, this.#schedule, new Report(), this.#observer(), {
      pod: name,
      maxGames: 1,
      hostTimeoutMs: HOST_TIMEOUT_MS,
      maxStateBytes: 1_000_000,
      rejoinMs: 700,
      owner: setup.owner,
      warm: { maxWarm: 2, keepMs: WARM_KEEP_MS },
      tailChecks: { everyMs: TAIL_CHECK_MS, stallMs: APPEND_TIMEOUT_MS, maxAtOnce: 4 },
    });
    this.#housekeep();
  }

  /** Tidies up behind a game that is over, as each process does now and then. */
  sweep(): void {
    if (!this.isDead) void this.#retention.sweep(0, this.#stopped.signal).catch(() => undefined);
  }

  /** In order: all games left, timers stopped. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#stopped.abort();
    await this.host.leaveAll(signal);
    this.#schedule.stop();
    this.#stopHousekeeping?.();
  }

  #housekeep(): void {
    this.#stopHousekeeping = this.clock.after(HOUSEKEEP_MS, () => {
      this.host.housekeep();
      this.#housekeep();
    });
  }

  #retentionPorts(): RetentionPorts {
    const { broker, seam } = this.#setup;
    const { log, snapshots } = broker;
    const same = (tail: DatedRecord | undefined) => tail;
    const cut = (chain: MemoryChain, seq: number) =>
      this.#ask<undefined>((answer) => answer(void broker.sweep(chain, seq) as undefined));
    return {
      games: () => this.#ask((answer) => answer(new Map([[GAME, log.records.length]]))),
      snapshotted: () => this.#ask((answer) => answer(new Set(snapshots.records.length > 0 ? [GAME] : []))),
      tail: async () => (seam.sweptTail ?? same)(await this.#ask((answer) => answer(broker.datedTail()))),
      standing: async () => ({ kind: 'open' }),
      end: async () => undefined,
      trim: async (_game, seq) => {
        await cut(snapshots, Number.POSITIVE_INFINITY);
        await cut(log, seq);
      },
      forget: async () => {
        for (const chain of [snapshots, log]) await cut(chain, Number.POSITIVE_INFINITY);
      },
      clock: this.clock,
      unixMs: () => this.clock.monotonicMs(),
    };
  }

  #chains(): Pick<OwnerPorts, 'log' | 'snapshots' | 'ledger'> {
    const { broker, seam } = this.#setup;
    const same = (port: ChainPort) => port;
    return {
      log: (seam.log ?? same)(this.#chainTo(broker.log), broker),
      snapshots: (seam.snapshots ?? same)(this.#chainTo(broker.snapshots), broker),
      ledger: {
        game: GAME,
        maxGames: 16,
        of: (user) => this.#chainTo(broker.ledgers.chainOf(user)),
        gameTail: () => this.#ask((answer) => answer(broker.log.records.at(-1))),
        notify: () => undefined,
      },
    };
  }

  #chainTo(chain: MemoryChain): ChainPort {
    const { broker, random } = this.#setup;
    return {
      append: (bytes, expectedSeq) =>
        this.#ask<AppendOutcome>((answer) => broker.append(chain, bytes, expectedSeq, answer)).catch(
          (cause) => {
            broker.doubts += 1;
            return { kind: 'doubt', cause: String(cause) };
          },
        ),
      tail: () => this.#ask((answer) => answer(chain.records.at(-1))),
      read: (fromSeq, toSeq) =>
        this.#ask((answer) => {
          const found = chain.records.filter(({ seq }) => seq >= fromSeq && seq <= toSeq);
          answer(found.slice(0, 2 + Math.floor(random() * 20)));
        }),
      purgeBelow: (seq) =>
        this.#ask((answer) => {
          chain.purgeBelow(seq);
          answer(undefined);
        }),
    };
  }

  /** One request to the server. @throws Error when no answer comes in time, or the connection is reset */
  #ask<T>(serve: (answer: (value: T) => void) => void): Promise<T> {
    return this.#setup.broker.exchange(this, APPEND_TIMEOUT_MS, serve, (why) => new Error(why));
  }

  #wire(owner: Owner): GameWire {
    const { broker } = this.#setup;
    const closeInputs = broker.subscribeInputs(this.link, (delivery) => this.#take(owner, delivery));
    const closeFeed = broker.subscribeFeed(this.link, ({ bytes }) => owner.hear(bytes));
    return {
      close: () => {
        closeInputs();
        closeFeed();
      },
    };
  }

  #take(owner: Owner, { input, respond }: Delivery): void {
    if (input.kind === 'command') owner.command({ ...input, args: input.args });
    else owner.receive(inputFor(input, this.#answerBy(respond)));
  }

  #answerBy(respond: (answer: InputAnswer) => void): Answer {
    const { link } = this;
    return {
      state: (bytes) => {
        this.#setup.events.onAnswer(bytes);
        link.up(() => respond(bytes));
      },
      error: (code) => link.up(() => respond({ error: code })),
    };
  }

  #observer(): HostObserver {
    const nothing = () => undefined;
    return {
      ownerEvents: () => SILENT_EVENTS,
      onHookError: () => nothing,
      onTick: nothing,
      onSkippedTicks: nothing,
      onHosting: nothing,
      onWarming: nothing,
      onEnd: nothing,
      onStopped: (_game, epoch, reason, detail) => this.#setup.events.onStopped(this, epoch, reason, detail),
      onBadStart: nothing,
      onTrouble: nothing,
    };
  }
}

function inputFor(input: Exclude<GameInput, { kind: 'command' }>, answer: Answer) {
  switch (input.kind) {
    case 'join': {
      const { user, name, edge, session, join, spectate } = input;
      return { kind: 'join', user, name, edge, session, join, spectate, answer } as const;
    }
    case 'sync':
      return { kind: 'sync', edge: input.edge, pids: input.pids, answer } as const;
    case 'leave':
    case 'dropped':
      return input;
    default:
      return input satisfies never;
  }
}
