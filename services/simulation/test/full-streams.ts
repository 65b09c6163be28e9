/** Streams that games which nobody plays fill up. */

import { type GameId, gameId, gameStreamName, type Subject } from '@breakwater/bus';
import { PARTITIONS, type Sims } from './sims.ts';

/** Games in the same partition. */
export const neighboursOf = (sims: Sims, game: string): GameId[] =>
  Array.from({ length: 64 }, (_, index) => gameId(`junk-${index}`)).filter(
    (id) => gameStreamName(id, PARTITIONS) === sims.gameStream(game),
  );

/** Fills subjects until their stream has so many bytes, or takes no more. */
export async function fill(
  { bus }: Sims,
  stream: string,
  junk: readonly Subject[],
  bytes: number,
): Promise<void> {
  let next = 0;
  for (let size = 128 * 1024; size > 256; size /= 2) {
    for (;;) {
      const { bytes: taken } = await bus.streamState(stream);
      if (taken + size > bytes) break;
      const { kind } = await bus.commit(junk[next++ % junk.length]!, new Uint8Array(size - 128), {});
      if (kind !== 'stored') break;
    }
  }
}

export async function clear({ bus }: Sims, stream: string, junk: readonly Subject[]): Promise<void> {
  for (const subject of junk) await bus.purgeSubject(stream, subject, { keep: 0 });
}
