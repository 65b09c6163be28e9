import type { GameId, StateReply } from '@breakwater/bus';
import { askOwner } from './ask-owner.ts';
import type { EdgeDeps } from './deps.ts';
import type { GameMember } from './game-member.ts';
import { pause, untilItWorks } from './log-reader.ts';

const SYNC_PAUSE_MS = 100;

export interface Synced {
  readonly game: GameId;
  /** Members that wait for full state; nobody once the game is let go. */
  waiting(): GameMember[];
  /** Gives the state to those who waited when it was asked for. @returns whether somebody needs another one */
  serve(waiting: readonly GameMember[], reply: StateReply): boolean;
}

/** Asks a game's owner for full state, one request at a time for everybody who waits, until nobody does. */
export class GameSyncs {
  readonly #deps: EdgeDeps;
  readonly #synced: Synced;
  #isBusy = false;

  constructor(deps: EdgeDeps, synced: Synced) {
    this.#deps = deps;
    this.#synced = synced;
  }

  /** Who comes while one is under way is part of the next one. */
  begin(): void {
    if (!this.#isBusy) void this.#run();
  }

  async #run(): Promise<void> {
    const { game } = this.#synced;
    this.#isBusy = true;
    try {
      // One request for all who begin to wait in this turn.
      await Promise.resolve();
      for (let waiting = this.#synced.waiting(); waiting.length > 0; waiting = this.#synced.waiting()) {
        const reply = await untilItWorks(
          this.#deps,
          () => this.#synced.waiting().length > 0,
          () => this.#ask(waiting),
        );
        // Nobody waited for a moment; somebody may again.
        if (reply === undefined) continue;
        if (this.#synced.serve(waiting, reply)) await pause(this.#deps, SYNC_PAUSE_MS);
      }
    } catch (cause) {
      this.#deps.log.error({ game, err: cause }, 'full state could not be handed on');
    } finally {
      this.#isBusy = false;
    }
  }

  async #ask(waiting: readonly GameMember[]): Promise<StateReply> {
    const { config, edge, metrics } = this.#deps;
    const pids = [...new Set(waiting.map((member) => member.pid))].filter((pid) => pid !== 0);
    metrics.syncs.add(1);
    const input = { kind: 'sync', edge, pids };
    return askOwner(this.#deps, this.#synced.game, input, { timeoutMs: config.backendTimeoutMs });
  }
}
