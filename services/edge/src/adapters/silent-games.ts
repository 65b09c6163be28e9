import { matchedGame } from '@breakwater/bus';
import { BusError } from '@breakwater/service-kit';
import { askMatchmaker } from './ask-matchmaker.ts';
import type { EdgeDeps } from './deps.ts';
import type { Game } from './game.ts';

const LOOK_MS = 500;
const MAX_QUESTIONS = 32;

/**
 * A game with connected players is never silent for long while somebody hosts it. When its feed falls silent the
 * matchmaker is asked for it, which has it hosted again: its players, who may just be watching, need not do anything.
 */
export class SilentGames {
  readonly #deps: EdgeDeps;
  readonly #games: () => Iterable<Game>;
  #stopTimer: (() => void) | undefined;
  #questions = 0;

  constructor(deps: EdgeDeps, games: () => Iterable<Game>) {
    this.#deps = deps;
    this.#games = games;
  }

  start(): void {
    this.#stopTimer = this.#deps.clock.every(LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#stopTimer?.();
  }

  #look(): void {
    const { nats, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    for (const game of this.#games()) {
      // Without NATS nothing can be heard here, which says nothing about the game.
      if (!game.hasPlayers || !nats.isConnected) game.silence.heard(nowMs);
      else if (this.#questions < MAX_QUESTIONS && game.silence.take(nowMs)) void this.#ask(game);
    }
  }

  async #ask(game: Game): Promise<void> {
    const { config, metrics, log } = this.#deps;
    metrics.silences.add(1);
    this.#questions += 1;
    try {
      const body = { game: game.id };
      const timeoutMs = config.gameJoinMs;
      await askMatchmaker(this.#deps, { verb: 'find', body, decoder: matchedGame, timeoutMs });
      log.info({ game: game.id }, 'a silent game was looked for');
    } catch (cause) {
      log.info({ game: game.id, err: cause }, 'a silent game was not found');
      if (cause instanceof BusError && cause.remote?.code === 'game_failed' && game.isOpen) game.fail();
    } finally {
      this.#questions -= 1;
    }
  }
}
