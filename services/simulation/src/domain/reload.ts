/** The game of a hosting that goes on: loaded again behind its own newest record. */

import type { GameInstance } from '@breakwater/game-kit';
import type { Chain } from './chain.ts';
import type { GameDetails, GameFactory } from './game-factory.ts';
import { loadForCertain } from './loader.ts';
import { currentGame } from './migration.ts';
import { type OwnerPorts, sleep } from './ports.ts';
import type { Replay } from './replay.ts';
import { RestartBudget } from './restart-budget.ts';
import type { Restarts } from './restarts.ts';
import { backoffMs, type Retry, readTail } from './settle.ts';

export type Reloaded =
  | { readonly kind: 'loaded'; readonly instance: GameInstance }
  /** Somebody else's record is the newest. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'lost' | 'unreadable'; readonly detail: string }
  /** It threw too often. */
  | { readonly kind: 'exhausted'; readonly detail: string }
  | { readonly kind: 'abandoned' };

export interface ReloadDeps {
  readonly ports: OwnerPorts;
  readonly factory: GameFactory;
  readonly details: GameDetails;
  readonly chain: Chain;
  readonly restarts: Restarts;
  readonly maxRestartsPerMinute: number;
  readonly onTrouble: (cause: string) => void;
  readonly onBadStart: (problem: string) => void;
}

const MAX_CUT_BACK_READS = 30;
const MINUTE_MS = 60_000;

export class Reloader {
  readonly #deps: ReloadDeps;
  readonly #budget: RestartBudget;

  constructor(deps: ReloadDeps) {
    this.#deps = deps;
    this.#budget = new RestartBudget(deps.maxRestartsPerMinute, MINUTE_MS);
  }

  /** After `error`, as often as is allowed: here by the clock, and by what earlier owners left in the log. */
  async restart(error: unknown, isOver: () => boolean): Promise<Reloaded> {
    const { ports, restarts, maxRestartsPerMinute } = this.#deps;
    const exhausted = { kind: 'exhausted', detail: messageOf(error) } as const;
    if (!this.#budget.take(ports.clock.monotonicMs())) return exhausted;
    const reloaded = await this.reload(isOver);
    if (reloaded.kind !== 'loaded') return reloaded;
    const { tick } = reloaded.instance;
    if (restarts.recent(tick).length >= maxRestartsPerMinute) return exhausted;
    restarts.mark(tick);
    return reloaded;
  }

  /** Only when nothing of the chain is in flight: its newest record is then certain. */
  async reload(isOver: () => boolean): Promise<Reloaded> {
    const { ports, chain, onTrouble } = this.#deps;
    const { clock, random, log } = ports;
    const retry = { clock, random, isOver, onTrouble };
    for (let attempt = 0; attempt < MAX_CUT_BACK_READS; attempt++) {
      const tail = await readTail(log, retry);
      if (tail === 'abandoned') return { kind: 'abandoned' };
      if (tail !== undefined && tail.seq > chain.lastSeq) return { kind: 'overtaken' };
      if (tail?.seq === chain.lastSeq) return await this.#loadTo(chain.lastSeq, retry);
      await sleep(clock, backoffMs(attempt, random));
    }
    return { kind: 'lost', detail: 'records of the log are gone' };
  }

  async #loadTo(seq: number, retry: Retry): Promise<Reloaded> {
    const { ports, factory, onBadStart, details } = this.#deps;
    const load = await loadForCertain({ ...ports, factory, onBadStart }, seq, retry);
    if (load === 'abandoned') return { kind: 'abandoned' };
    if (load.kind === 'wrong_version') return { kind: 'unreadable', detail: load.detail };
    if (load.kind !== 'loaded') return load;
    this.#deps.restarts.read(load.replay.restarts);
    return startWith(load.replay, factory, details);
  }
}

/** With only claims in the log `setup` runs again, and all of it goes with the next append. */
function startWith(replay: Replay, factory: GameFactory, details: GameDetails): Reloaded {
  try {
    return {
      kind: 'loaded',
      instance: currentGame(factory, replay, details).instance ?? factory.create(details),
    };
  } catch (cause) {
    return { kind: 'unreadable', detail: messageOf(cause) };
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
