import type { Client, Room } from '@breakwater/client';
import { ServerError } from '@breakwater/client';
import type { Recorder } from '../recorder/recorder.ts';
import type { BotStats } from './stats.ts';

const PHRASES = [
  'anyone near the crystals?',
  'that rock was mine',
  'three more crates and I am first',
  'good luck all',
  'the north side is empty',
  'who broke that one?',
  'brb',
  'nice one',
  'on my way',
  'this map grows back fast',
] as const;

export interface ChatOptions {
  readonly room: string;
  /** Messages a second of one bot, on average. */
  readonly ratePerSecond: number;
}

/** Talks in one room now and then. */
export class Chatter {
  readonly #room: Room;
  readonly #options: ChatOptions;
  readonly #stats: BotStats;
  readonly #random: () => number;
  readonly #stops: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  private constructor(room: Room, options: ChatOptions, stats: BotStats, random: () => number) {
    this.#room = room;
    this.#options = options;
    this.#stats = stats;
    this.#random = random;
  }

  /** @throws BreakwaterError when the room cannot be joined */
  static async join(
    client: Client,
    options: ChatOptions,
    stats: BotStats,
    random: () => number,
    recorder?: Recorder,
  ): Promise<Chatter> {
    const room = await joinOrCreate(client, options.room);
    const chatter = new Chatter(room, options, stats, random);
    if (recorder !== undefined) chatter.#stops.push(recorder.room(room));
    chatter.#stops.push(
      room.on('message', () => {
        stats.messagesSeen += 1;
      }),
    );
    chatter.#plan();
    return chatter;
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Waits like people do: each pause is independent of the one before. */
  #plan(): void {
    if (this.#options.ratePerSecond <= 0) return;
    const delayMs = (-Math.log(1 - this.#random()) / this.#options.ratePerSecond) * 1_000;
    this.#timer = setTimeout(
      () => {
        this.#say();
        this.#plan();
      },
      Math.min(delayMs, 600_000),
    );
  }

  #say(): void {
    this.#count += 1;
    this.#stats.messagesSent += 1;
    const phrase = PHRASES[Math.floor(this.#random() * PHRASES.length)] ?? PHRASES[0];
    this.#room.send(`${phrase} (${this.#count})`).then(
      () => {
        this.#stats.messagesAcked += 1;
      },
      () => {
        this.#stats.messagesFailed += 1;
      },
    );
  }
}

async function joinOrCreate(client: Client, room: string): Promise<Room> {
  try {
    return await client.rooms.join(room);
  } catch (error) {
    if (!(error instanceof ServerError) || error.code !== 'room_not_found') throw error;
  }
  await client.rooms.create(room).catch((error: unknown) => {
    if (!(error instanceof ServerError) || error.code !== 'room_exists') throw error;
  });
  return client.rooms.join(room);
}
