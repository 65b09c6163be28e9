import type { RecordSource } from './sources.ts';

const MAX_READINGS = 5;

/**
 * Reads the log of a game, again when its owner purged it meanwhile: what is purged during a reading looks like a hole.
 *
 * @returns what the first whole reading gave, or the last one
 */
export async function readWhole<T>(source: RecordSource, game: string, read: () => Promise<T>): Promise<T> {
  for (let reading = 1; ; reading++) {
    const before = await source.firstOfGame(game);
    const result = await read();
    if (reading === MAX_READINGS || before === (await source.firstOfGame(game))) return result;
  }
}
