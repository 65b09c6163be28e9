import type { Game, SentCommand } from '@breakwater/client';
import type { LogLine } from './log-line.ts';
import { ViewDigest } from './view-digest.ts';

/** Writes down what one game shows and which commands were covered. */
export class GameRecorder {
  readonly #game: Game;
  readonly #write: (line: LogLine) => void;
  readonly #now: () => number;
  readonly #stops: (() => void)[];
  #digest: ViewDigest;
  #pid: number | undefined;

  constructor(game: Game, write: (line: LogLine) => void, now: () => number) {
    this.#game = game;
    this.#write = write;
    this.#now = now;
    this.#digest = new ViewDigest(game.replica);
    const { id, epoch, seq } = game;
    this.#join();
    if (seq > 0) this.#state({ epoch, seq, tick: game.replica.tick });
    this.#stops = [
      game.on('state', (state) => {
        if (state.isNewReplica) this.#restart();
        // The old seat was lost: what is shown from here on is shown to another one.
        if (game.pid !== this.#pid) this.#join();
        this.#state(state);
      }),
      game.on('delta', (delta) => this.#delta(delta)),
      game.on('reject', ({ n, reason }) => write({ t: 'game.reject', game: id, n, reason, at: now() })),
    ];
  }

  /** A command that was sent; it is followed until the state covers it. */
  command(name: string, { n, applied }: SentCommand): void {
    const game = this.#game;
    this.#write({ t: 'game.command', game: game.id, n, name, at: this.#now() });
    applied.then(
      () => this.#write({ t: 'game.applied', game: game.id, n, seq: game.seq, at: this.#now() }),
      // Rejected commands have their own line; lost ones have no promise to keep.
      () => undefined,
    );
  }

  /** Writes down that the game is left; once, however often it is called. */
  stop(): void {
    if (this.#stops.length === 0) return;
    for (const stop of this.#stops.splice(0)) stop();
    this.#digest.stop();
    this.#write({ t: 'game.leave', game: this.#game.id, at: this.#now() });
  }

  #join(): void {
    const { id, pid, pod } = this.#game;
    this.#pid = pid;
    const seat = pid === undefined ? {} : { pid };
    this.#write({ t: 'game.join', game: id, ...seat, pod, at: this.#now() });
  }

  #restart(): void {
    this.#digest.stop();
    this.#digest = new ViewDigest(this.#game.replica);
  }

  #state({ epoch, seq, tick }: { epoch: number; seq: number; tick: number }): void {
    const { shared, own } = this.#digest.take();
    this.#write({ t: 'game.state', game: this.#game.id, epoch, seq, tick, shared, own, at: this.#now() });
  }

  #delta({ epoch, seq, tick }: { epoch: number; seq: number; tick: number }): void {
    const digests = this.#digest.take();
    this.#write({ t: 'game.delta', game: this.#game.id, epoch, seq, tick, ...digests, at: this.#now() });
  }
}
