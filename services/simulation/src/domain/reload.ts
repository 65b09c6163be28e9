/** The game of a hosting that goes on: loaded again behind its own newest record. */

import type { GameInstance } from '@breakwater/game-kit';
import type { Chain } from './chain.ts';
import type { GameDetails, GameFactory } from './game-factory.ts';
import { loadGame } from './loader.ts';
import { type OwnerPorts, sleep } from './ports.ts';
import type { Replay } from './replay.ts';
import { backoffMs, readTail, untilRead } from './settle.ts';

export type Reloaded =
  | { readonly kind: 'loaded'; readonly instance: GameInstance }
  /** Somebody else's record is the newest. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'lost' | 'unreadable'; readonly detail: string }
  | { readonly kind: 'abandoned' };

export interface ReloadDeps {
  readonly ports: OwnerPorts;
  readonly factory: GameFactory;
  readonly details: GameDetails;
  readonly isOver: () => boolean;
  readonly onTrouble: (cause: string) => void;
  readonly onBadStart: (problem: string) => void;
}

const MAX_CUT_BACK_READS = 30;

/** Only when nothing of the chain is in flight: its newest record is then certain. */
export async function reloadBehind(chain: Chain, deps: ReloadDeps): Promise<Reloaded> {
  const { clock, random, log } = deps.ports;
  const retry = { clock, random, isOver: deps.isOver, onTrouble: deps.onTrouble };
  for (let attempt = 0; attempt < MAX_CUT_BACK_READS; attempt++) {
    const tail = await readTail(log, retry);
    if (tail === 'abandoned') return { kind: 'abandoned' };
    if (tail !== undefined && tail.seq > chain.lastSeq) return { kind: 'overtaken' };
    if (tail?.seq === chain.lastSeq) return await loadUntilRead(chain.lastSeq, deps);
    await sleep(clock, backoffMs(attempt, random));
  }
  return { kind: 'lost', detail: 'records of the log are gone' };
}

/** With only claims in the log `setup` runs again, and all of it goes with the next append. */
function startWith(replay: Replay, factory: GameFactory, details: GameDetails): Reloaded {
  try {
    return { kind: 'loaded', instance: replay.instance ?? factory.create(details) };
  } catch (cause) {
    return { kind: 'unreadable', detail: cause instanceof Error ? cause.message : String(cause) };
  }
}

async function loadUntilRead(seq: number, deps: ReloadDeps): Promise<Reloaded> {
  const { log, snapshots, clock, random } = deps.ports;
  const { factory, onBadStart } = deps;
  const load = await untilRead(() => loadGame({ log, snapshots, factory, onBadStart }, seq), {
    clock,
    random,
    isOver: deps.isOver,
    onTrouble: deps.onTrouble,
  });
  if (load === 'abandoned') return { kind: 'abandoned' };
  if (load.kind === 'wrong_version') return { kind: 'unreadable', detail: load.detail };
  if (load.kind !== 'loaded') return load;
  return startWith(load.replay, factory, deps.details);
}
