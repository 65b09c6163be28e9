import type { Random } from './log.ts';

/**
 * Makes the stamp of one publish: the time in base 36 and 50 random bits. With a sequence it identifies a record,
 * also after the stream was cut back and filled again.
 */
export function makeStamp(unixMs: number, random: Random): string {
  const suffix = () =>
    Math.floor(random() * 2 ** 25)
      .toString(36)
      .padStart(5, '0');
  return `${Math.floor(unixMs).toString(36)}-${suffix()}${suffix()}`;
}
