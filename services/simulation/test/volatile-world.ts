/** Owners of one volatile game on streams in memory, on a clock that moves only when told. */

import type { GameDefinition } from '@breakwater/game-kit';
import { FakeClock } from '@breakwater/testkit';
import { GameFactory } from '../src/domain/game-factory.ts';
import type { HostingResult } from '../src/domain/hosting.ts';
import { Owner } from '../src/domain/owner.ts';
import { DEFAULT_OWNER_OPTIONS, type OwnerEvents, type OwnerOptions } from '../src/domain/owner-types.ts';
import type { ChainPort, OwnerPorts } from '../src/domain/ports.ts';
import { hostVolatileGame } from '../src/domain/volatile-hosting.ts';
import { MemoryChain, Way, wayTo } from './memory-chain.ts';
import { MemoryLedgers } from './memory-ledgers.ts';
import { SILENT_EVENTS } from './silent-events.ts';
import { game as twitch } from './volatile-games/twitch/game.ts';

/** What stands between an owner and its streams. */
export interface Between {
  readonly log?: (port: ChainPort) => ChainPort;
  readonly snapshots?: (port: ChainPort) => ChainPort;
}

const TIMEOUT_MS = 4_000;

export class VolatileWorld {
  readonly clock = new FakeClock();
  readonly log = new MemoryChain();
  readonly snapshots = new MemoryChain();
  readonly #ledgers = new MemoryLedgers();
  readonly #definition: GameDefinition;

  constructor(more: Partial<Pick<GameDefinition, 'tickHz' | 'sleepAfterMs'>> = {}) {
    this.#definition = { ...(twitch as unknown as GameDefinition), ...more };
  }

  get factory(): GameFactory {
    return new GameFactory(this.#definition, () => undefined);
  }

  ports(between: Between = {}): OwnerPorts {
    const { clock } = this;
    const weather = { trouble: 0, random: () => 0.5 };
    const way = new Way();
    const asItIs = (port: ChainPort) => port;
    const { log = asItIs, snapshots = asItIs } = between;
    return {
      log: log(wayTo(this.log, clock, weather, way)),
      snapshots: snapshots(wayTo(this.snapshots, clock, weather, way)),
      ledger: this.#ledgers.ports('game', clock, weather, way),
      clock,
      random: weather.random,
    };
  }

  /** Lets time pass until the hosting is decided. */
  async host(
    epoch: number,
    ports = this.ports(),
    definition = this.#definition,
    timeoutMs = TIMEOUT_MS,
  ): Promise<HostingResult> {
    const { clock } = this;
    const factory = new GameFactory(definition, () => undefined);
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    let result: HostingResult | undefined;
    const hosting = hostVolatileGame({
      pod: 'pod',
      ports,
      factory,
      nonce: `nonce-${epoch}`,
      epoch,
      details: { options: {}, seed: 11, durability: 'volatile' },
      retry: { clock, random: ports.random, isOver: () => clock.monotonicMs() >= deadlineMs },
      onBadStart: () => undefined,
      live: { publish: () => undefined },
    }).then((decided) => {
      result = decided;
    });
    while (result === undefined && clock.monotonicMs() < deadlineMs + TIMEOUT_MS) await clock.advanceAsync(5);
    if (result === undefined) throw new Error('the hosting outlives its own deadline');
    await hosting;
    return result;
  }

  /** @throws when the game is not to be had */
  async own(
    epoch: number,
    options: Partial<OwnerOptions> = {},
    events: Partial<OwnerEvents> = {},
    ports = this.ports(),
  ): Promise<Owner> {
    const result = await this.host(epoch, ports);
    if (result.kind !== 'hosted') throw new Error(`refused: ${result.refusal}`);
    return new Owner({
      pod: 'pod',
      ports,
      factory: this.factory,
      game: result.game,
      options: { ...DEFAULT_OWNER_OPTIONS, ...options },
      events: { ...SILENT_EVENTS, ...events },
    });
  }
}
