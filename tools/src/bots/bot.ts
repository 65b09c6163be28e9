import { join } from 'node:path';
import { type Client, type ConnectOptions, connect } from '@breakwater/client';
import { type Recorder, recordTo } from '../recorder/recorder.ts';
import type { StandstillWatch } from '../recorder/standstill.ts';
import { type ChatOptions, Chatter } from './chatter.ts';
import type { GameChooser } from './game-choice.ts';
import { Player } from './player.ts';
import type { BotStats } from './stats.ts';

export interface BotOptions {
  readonly number: number;
  readonly urls: readonly string[];
  readonly token: () => Promise<string>;
  readonly chooser: GameChooser | undefined;
  readonly chat: ChatOptions | undefined;
  /** Folder for client logs. */
  readonly record: string | undefined;
  /** For the logs. */
  readonly standstills: StandstillWatch | undefined;
  readonly stats: BotStats;
  readonly random: () => number;
  /** Told of every failure; the bot comes back by itself. */
  readonly onFailure: (error: unknown) => void;
  readonly connect?: Partial<ConnectOptions>;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;
const LEAVE_TIMEOUT_MS = 2_000;

/** One player and chatter; lives until it is stopped, whatever happens to its connection or its game. */
export class BotUser {
  readonly #options: BotOptions;
  readonly #ending = new AbortController();
  readonly #ended = untilAborted(this.#ending.signal);
  #client: Client | undefined;
  #player: Player | undefined;
  #life: Promise<void> | undefined;
  #lives = 0;

  constructor(options: BotOptions) {
    this.#options = options;
  }

  get roundTripMs(): number | undefined {
    return this.#client?.roundTripMs;
  }

  start(): void {
    this.#life ??= this.#live();
  }

  /** Leaves its game, writes its log and closes. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#life;
  }

  async #live(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#ending.signal.aborted) {
      const begunMs = performance.now();
      try {
        await this.#once();
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#options.stats.failures += 1;
        this.#options.onFailure(error);
      }
      retryMs = performance.now() - begunMs > 60_000 ? FIRST_RETRY_MS : Math.min(retryMs * 2, MAX_RETRY_MS);
      await this.#pause(retryMs * this.#options.random());
    }
  }

  /** From connecting until the client is closed for good, or the bot is stopped. */
  async #once(): Promise<void> {
    const { urls, token, stats, chat, record } = this.#options;
    const signal = this.#ending.signal;
    const client = await connect({ urls, token, signal, ...this.#options.connect });
    this.#client = client;
    stats.connected += 1;
    const closed = this.#followState(client);
    const recorder = record === undefined ? undefined : this.#recorder(client, record);
    let chatter: Chatter | undefined;
    try {
      if (chat !== undefined)
        chatter = await Chatter.join(client, chat, stats, this.#options.random, recorder);
      await this.#play(client, recorder, closed);
    } finally {
      await this.#leave();
      chatter?.stop();
      await recorder?.close();
      this.#client = undefined;
      await client.close();
    }
  }

  async #play(client: Client, recorder: Recorder | undefined, closed: Promise<void>): Promise<void> {
    const { chooser, number, stats, random } = this.#options;
    if (chooser === undefined) {
      await Promise.race([closed, this.#ended]);
      return;
    }
    let game = await chooser.gameFor(client, number);
    while (!this.#isOver(client)) {
      try {
        this.#player = await Player.join(client, game, stats, random, recorder);
        await Promise.race([this.#player.over, closed, this.#ended]);
        if (this.#isOver(client)) return;
        this.#player.drop();
      } catch (error) {
        if (this.#isOver(client)) throw error;
        this.#options.onFailure(error);
        stats.failures += 1;
        await this.#pause(FIRST_RETRY_MS);
      }
      this.#player = undefined;
      game = await chooser.anyGame(client);
    }
  }

  #isOver(client: Client): boolean {
    return this.#ending.signal.aborted || client.state === 'closed';
  }

  /** Counts the connection up and down; resolves when the client is closed for good. */
  #followState(client: Client): Promise<void> {
    const { stats } = this.#options;
    const closed = Promise.withResolvers<void>();
    let wasConnected = true;
    client.on('state', ({ state }) => {
      const isConnected = state === 'connected';
      if (isConnected && !wasConnected) {
        stats.connected += 1;
        stats.reconnects += 1;
      } else if (!isConnected && wasConnected) stats.connected -= 1;
      wasConnected = isConnected;
      if (state === 'closed') closed.resolve();
    });
    return closed.promise;
  }

  #recorder(client: Client, folder: string): Recorder {
    this.#lives += 1;
    const { standstills } = this.#options;
    return recordTo(client, join(folder, `${client.user}-${this.#lives}.jsonl`), { standstills });
  }

  async #leave(): Promise<void> {
    const player = this.#player;
    this.#player = undefined;
    if (player === undefined) return;
    if (this.#client?.state !== 'connected') player.drop();
    else await Promise.race([player.leave().catch(() => undefined), delay(LEAVE_TIMEOUT_MS)]);
  }

  async #pause(delayMs: number): Promise<void> {
    await Promise.race([delay(delayMs), this.#ended]);
  }
}

function delay(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
