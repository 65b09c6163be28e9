import { type GameStreamLimits, gameStream, type StreamLimits, snapshotStream } from '@breakwater/bus';
import type { NatsBus } from '@breakwater/service-kit';

/** Two good ones are kept; the rest is room for bad ones and for those in the making. */
const MAX_SNAPSHOTS_PER_GAME = 8;

export interface StreamSizes {
  readonly partitions: number;
  readonly games: GameStreamLimits;
  readonly snapshots: StreamLimits;
}

/** Simulation owns these streams: it creates them, updates them and reads them back. */
export async function ensureStreams(nats: NatsBus, sizes: StreamSizes): Promise<void> {
  const snapshots = { ...sizes.snapshots, maxSnapshotsPerGame: MAX_SNAPSHOTS_PER_GAME };
  for (let partition = 0; partition < sizes.partitions; partition++) {
    await nats.ensureStream(gameStream(partition, sizes.games));
    await nats.ensureStream(snapshotStream(partition, snapshots));
  }
}
