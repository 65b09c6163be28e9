import { formatMessageId, messageIdTimeMs } from '@breakwater/protocol';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const PREFIX_LENGTH = 10;
const MAX_COUNTER = 36 ** 8 - 1;

export function randomWord(length: number, random: () => number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
}

/** Ids of one's own messages: a random prefix for this client, the server's time, a counter. */
export class MessageIds {
  readonly #prefix: string;
  #counter = 0;

  constructor(random: () => number) {
    this.#prefix = randomWord(PREFIX_LENGTH, random);
  }

  /** Server's Unix ms at which an id was made. */
  static timeOf(msg: string): number {
    return messageIdTimeMs(msg);
  }

  next(serverMs: number): string {
    this.#counter = this.#counter >= MAX_COUNTER ? 1 : this.#counter + 1;
    return formatMessageId(this.#prefix, serverMs, this.#counter);
  }
}
