/** Identifiers that reach a subject or a key. */

import { DecodeError, type Decoder, string } from './shape.ts';

export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}

/** Room, game, user, session and process ids. */
export const id: Decoder<string> = string({
  pattern: ID_PATTERN,
  expected: 'must be 1 to 64 characters of A-Z a-z 0-9 _ -',
});

/** `<prefix>-<time>-<counter>`: prefix random per tab, time of the first send in base 36 ms, counter base 36. */
export const MESSAGE_ID_PATTERN = /^[A-Za-z0-9]{4,16}-[0-9a-z]{8,9}-[0-9a-z]{1,8}$/;

export const messageId: Decoder<string> = string({
  pattern: MESSAGE_ID_PATTERN,
  expected: 'must be <prefix>-<time>-<counter>',
});

export function formatMessageId(prefix: string, timeMs: number, counter: number): string {
  return `${prefix}-${timeMs.toString(36).padStart(8, '0')}-${counter.toString(36)}`;
}

/** Unix milliseconds of the first send, as the sender believed them. */
export function messageIdTimeMs(msg: string): number {
  if (!MESSAGE_ID_PATTERN.test(msg)) throw new DecodeError('must be <prefix>-<time>-<counter>');
  return Number.parseInt(msg.split('-')[1]!, 36);
}
