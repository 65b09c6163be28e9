import { createHash } from 'node:crypto';

/** The first 16 hexadecimal digits of the SHA-256 of a message's text, so that logs hold no texts. */
export function textHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16);
}
