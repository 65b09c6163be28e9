import {
  BUCKETS,
  type GameStreamLimits,
  gameStream,
  INSTALL_PARTITIONS_KEY,
  installPartitions,
  type LedgerStreamLimits,
  ledgerStream,
  type StreamLimits,
  snapshotStream,
} from '@breakwater/bus';
import {
  BusError,
  type Clock,
  type Logger,
  type NatsBus,
  type StreamDefinition,
  type StreamState,
} from '@breakwater/service-kit';

/** Two good ones are kept; the rest is room for bad ones and for those in the making. */
const MAX_SNAPSHOTS_PER_GAME = 8;
/** A process that makes the streams makes the next one within this time. */
const MAKING_PAUSE_MS = 5_000;
const MAKING_POLL_MS = 200;

export interface StreamSizes {
  readonly partitions: number;
  readonly games: GameStreamLimits;
  readonly snapshots: StreamLimits;
  readonly ledger: LedgerStreamLimits;
}

export interface EnsureDeps {
  readonly nats: NatsBus;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Simulation owns these streams: it creates them, updates them and reads them back.
 * @param onRemade hears of each one that was there once and had to be made anew
 * @returns their names
 * @throws Error with one sentence when this installation was made with another number of partitions
 */
export async function ensureStreams(
  { nats, log, clock }: EnsureDeps,
  sizes: StreamSizes,
  onRemade: (stream: string) => void,
): Promise<readonly string[]> {
  await assertPartitions(nats, sizes);
  const definitions = definitionsOf(sizes);
  const isThere = await whichAreThere({ nats, clock }, definitions);
  const isFirst = (isOfThese: (name: string) => boolean) =>
    definitions.every(({ name }, index) => !isOfThese(name) || !isThere[index]);
  const isFirstStart = isFirst((name) => !isLedger(name));
  const isFirstLedger = isFirst(isLedger);
  for (const [index, definition] of definitions.entries()) {
    const { name } = definition;
    if (!isThere[index] && !(isLedger(name) ? isFirstLedger : isFirstStart)) {
      const loss = isLedger(name) ? 'its users begin at 0 XP again' : 'its games will be refused as lost';
      log.error({ stream: name }, `the stream is gone and is made anew; ${loss}`);
      onRemade(name);
    }
    await nats.ensureStream(definition);
  }
  return definitions.map(({ name }) => name);
}

/**
 * Which of the streams exist. Where some do and none was ever used, another process may be making the others at this
 * very moment, as when an installation starts for the first time: it is given time to.
 */
async function whichAreThere(
  { nats, clock }: Pick<EnsureDeps, 'nats' | 'clock'>,
  definitions: readonly StreamDefinition[],
): Promise<readonly boolean[]> {
  let before = 0;
  let changedAtMs = clock.monotonicMs();
  for (;;) {
    const states = await Promise.all(definitions.map(({ name }) => stateOf(nats, name)));
    const found = states.filter((state) => state !== undefined);
    const isInTheMaking = found.length > 0 && found.length < states.length;
    const isUsed = found.some(({ lastSeq }) => lastSeq > 0);
    if (found.length !== before) changedAtMs = clock.monotonicMs();
    const isOver = clock.monotonicMs() - changedAtMs > MAKING_PAUSE_MS;
    if (!isInTheMaking || isUsed || isOver) return states.map((state) => state !== undefined);
    before = found.length;
    await new Promise<void>((resolve) => clock.after(MAKING_POLL_MS, resolve));
  }
}

/** An installation from before there were ledgers gets them later than the other streams. */
const isLedger = (name: string): boolean => name.startsWith('LEDGER_');

/** From the last partition down, so that a first start cut short cannot look like fewer partitions. */
function definitionsOf({ partitions, games, snapshots, ledger }: StreamSizes): StreamDefinition[] {
  const limits = { ...snapshots, maxSnapshotsPerGame: MAX_SNAPSHOTS_PER_GAME };
  const numbers = Array.from({ length: partitions }, (_, index) => partitions - 1 - index);
  return numbers.flatMap((partition) => [
    gameStream(partition, games),
    snapshotStream(partition, limits),
    ledgerStream(partition, ledger),
  ]);
}

/** A game's partition follows from the count, so another count would look for its log in the wrong stream. */
async function assertPartitions(nats: NatsBus, { partitions, games }: StreamSizes): Promise<void> {
  const made =
    (await storedPartitions(nats, games.replicas)) ?? (await countedPartitions(nats, partitions, games));
  if (made === partitions) return;
  throw new Error(
    `BREAKWATER_PARTITIONS is ${partitions}, but this installation was made with ${made}: set it back, the games are spread by it.`,
  );
}

/** As far as our own streams tell. */
async function countedPartitions(
  nats: NatsBus,
  partitions: number,
  games: GameStreamLimits,
): Promise<number | 'more' | 'fewer'> {
  const isThere = (partition: number) => exists(nats, gameStream(partition, games).name);
  if (await isThere(partitions)) return 'more';
  return !(await isThere(partitions - 1)) && (await isThere(0)) ? 'fewer' : partitions;
}

/** The count that chat fixed, if it was there before us. */
async function storedPartitions(nats: NatsBus, replicas: number): Promise<number | undefined> {
  try {
    const bucket = await nats.openBucket(
      { name: BUCKETS.install.name, replicas },
      { decode: installPartitions },
    );
    return (await bucket.get(INSTALL_PARTITIONS_KEY))?.value.partitions;
  } catch (cause) {
    if (cause instanceof BusError && cause.code === 'not_found') return undefined;
    throw cause;
  }
}

async function exists(nats: NatsBus, stream: string): Promise<boolean> {
  return (await stateOf(nats, stream)) !== undefined;
}

async function stateOf(nats: NatsBus, stream: string): Promise<StreamState | undefined> {
  try {
    return await nats.streamState(stream);
  } catch (cause) {
    if (cause instanceof BusError && cause.code === 'not_found') return undefined;
    throw cause;
  }
}
