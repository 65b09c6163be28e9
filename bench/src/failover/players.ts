/** Games with one player each who walks about, and how long each player saw nothing new when the owner changed. */

import { performance } from 'node:perf_hooks';
import { type Client, connect, type Game } from '@breakwater/client';
import type { Stack } from '@breakwater/testkit';
import { type Recorder, recordTo } from '@breakwater/tools';

/** The owner of a game changed, as its player saw it; times by the monotonic clock, ms. */
export interface Handover {
  readonly epoch: number;
  /** The last delta of the old owner. */
  readonly lastMs: number;
  /** The first state or delta of the new one. */
  readonly firstMs: number;
}

const STEER_EVERY_MS = 400;

export class PlayedGame implements AsyncDisposable {
  readonly game: Game;
  readonly handovers: Handover[] = [];
  /** Times that the connection was lost. */
  socketsClosed = 0;
  readonly #client: Client;
  readonly #recorder: Recorder;
  readonly #timer: NodeJS.Timeout;
  #epoch: number;
  #lastMs = performance.now();
  #turns = 0;

  private constructor(client: Client, game: Game, file: string) {
    this.#client = client;
    this.game = game;
    this.#epoch = game.epoch;
    this.#recorder = recordTo(client, file);
    const recording = this.#recorder.game(game);
    game.on('delta', ({ epoch }) => this.#shown(epoch));
    game.on('state', ({ epoch }) => this.#shown(epoch));
    client.on('state', ({ state }) => {
      if (state !== 'connected' && state !== 'closed') this.socketsClosed += 1;
    });
    this.#timer = setInterval(() => {
      this.#turns += 1;
      if (game.pendingCommands > 20) return;
      const dx = this.#turns % 2 === 0 ? 3 : -3;
      recording.command('steer', game.command('steer', { dx, dy: 0 }));
    }, STEER_EVERY_MS);
  }

  static async start(stack: Stack, name: string, dir: string): Promise<PlayedGame> {
    const client = await connect({ urls: stack.edgeUrls, token: stack.token(name) });
    const { game } = await client.games.create('world', { key: name, title: name });
    return new PlayedGame(client, await client.games.join(game), `${dir}/${name}.jsonl`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#recorder.close();
    await this.game.leave();
    await this.#client.close();
  }

  #shown(epoch: number): void {
    const nowMs = performance.now();
    if (epoch > this.#epoch) {
      this.handovers.push({ epoch, lastMs: this.#lastMs, firstMs: nowMs });
      this.#epoch = epoch;
    }
    this.#lastMs = nowMs;
  }
}

/** The process that hosts most of the games, and which they are. */
export function busiest(games: readonly PlayedGame[]): {
  readonly pod: string;
  readonly games: readonly PlayedGame[];
} {
  const [first] = [...Map.groupBy(games, ({ game }) => game.pod)].sort(([, a], [, b]) => b.length - a.length);
  if (first === undefined) throw new Error('nobody plays');
  return { pod: first[0], games: first[1] };
}
