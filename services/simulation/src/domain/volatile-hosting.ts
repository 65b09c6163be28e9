/**
 * From "host this volatile game at this epoch" to an owner: claim, and a first snapshot right behind the one that the
 * game was loaded from. That append is what proves that nothing newer was stored meanwhile, and from there on the
 * snapshots of every owner before are refused.
 */

import { encodeGameRecord, hasLivePosition, type SimWarmed } from '@breakwater/bus';
import { type GameInstance, hashParts } from '@breakwater/game-kit';
import { snapshotOf } from './captured.ts';
import { Chain } from './chain.ts';
import { claimGame, type Refusal, readTailForCertain, recordHead, refuseBehind } from './claim.ts';
import type { GameDetails } from './game-factory.ts';
import {
  claimRecord,
  createNew,
  endFailed,
  type HostingDeps,
  type HostingResult,
  refused,
  unavailable,
} from './hosting.ts';
import { currentGame } from './migration.ts';
import type { OwnedGame } from './owner-phase.ts';
import { isSameHead } from './ports.ts';
import type { Reloaded } from './reload.ts';
import { Restarts } from './restarts.ts';
import { readTail } from './settle.ts';
import { askOwnership } from './tail-guard.ts';
import type { LivePort } from './volatile-game.ts';
import { loadVolatileForCertain, type SnapshotPlace, type VolatileLoaderDeps } from './volatile-loader.ts';
import { VolatileSnapshots } from './volatile-snapshots.ts';

export interface VolatileHostingDeps extends HostingDeps {
  readonly live: LivePort;
  /** Why it threw where it was hosted before; it is marked so, and fails when that was too often. */
  readonly restart?: { readonly detail: string; readonly maxPerMinute: number } | undefined;
}

interface Start {
  readonly instance: GameInstance;
  readonly details: GameDetails;
  /** Ticks at which it went on after it had thrown. */
  readonly restarts: readonly number[];
  readonly place: SnapshotPlace;
  /** The log does not say yet that anything was shown. */
  readonly isNew: boolean;
  /** The log is longer than it needs to be. */
  readonly isLong: boolean;
}

type Look = Start | { readonly failure: string } | Refusal;

/** Snapshots of owners before that come in between, one after the other. */
const MAX_ROUNDS = 8;
/** Each hosting leaves a claim; a log above this is cut down to a new marker. */
const MAX_RECORDS = 64;
/** Without the snapshot that its owner stored last: a stale read at first, this often in a row it is the truth. */
const MAX_STALE_READS = 30;
const NOTHING = { shared: new Uint8Array(0), server: new Uint8Array(0), slices: [] } as const;

/** Never rejects for what the streams do; the retry's `isOver` bounds it. */
export async function hostVolatileGame(deps: VolatileHostingDeps): Promise<HostingResult> {
  const { ports, retry, epoch, nonce } = deps;
  if (!hasLivePosition(epoch, 0))
    return refused({ refusal: 'failed', epoch: 0, detail: `a volatile game has no epoch ${epoch}` });
  const tail = await readTailForCertain(ports.log, epoch, retry);
  if (tail === 'abandoned') return unavailable('the log could not be read in time');
  // One that was given up in doubt, and stored since.
  const isClaimed = tail !== undefined && isSameHead(recordHead(tail.bytes), { epoch, nonce, n: 0 });
  const refusal = isClaimed ? undefined : refuseBehind(tail, epoch);
  if (refusal !== undefined) return refused(refusal);
  const tailSeq = tail?.seq ?? 0;
  const before = await look(deps, tailSeq);
  if ('refusal' in before) return refused(before);
  const claim = claimRecord(deps, 'failure' in before ? deps.details : before.details);
  const claimed = isClaimed
    ? ({ kind: 'claimed', seq: tailSeq, after: tailSeq } as const)
    : await claimGame(ports.log, claim, retry, tailSeq);
  if (claimed.kind === 'refused') return claimed;
  const chain = new Chain(claim, claimed.seq, { ...ports, onTrouble: retry.onTrouble });
  const isAsBefore = claimed.after === tailSeq && !('failure' in before);
  return begin(deps, chain, isAsBefore ? before : await look(deps, chain.lastSeq));
}

/** Whether the game could be hosted here as it is now. */
export async function tryVolatileGame(
  deps: Pick<HostingDeps, 'ports' | 'factory' | 'retry' | 'onBadStart'>,
): Promise<SimWarmed> {
  const tail = await readTail(deps.ports.log, deps.retry);
  if (tail === undefined || tail === 'abandoned')
    return { outcome: 'refused', refusal: 'unavailable', detail: 'there is no log that can be read' };
  const found = await look({ ...deps, details: { options: {}, seed: 0 } }, tail.seq);
  if ('failure' in found) return { outcome: 'refused', refusal: 'failed', detail: found.failure };
  if (!('refusal' in found)) return { outcome: 'warm' };
  const { refusal, detail = '' } = found;
  return { outcome: 'refused', refusal, detail };
}

interface LookDeps extends Pick<HostingDeps, 'ports' | 'factory' | 'retry' | 'onBadStart' | 'details'> {
  /** Where it is to be hosted; nobody asks for an epoch to see whether it could be. */
  readonly epoch?: number;
  readonly isStale?: VolatileLoaderDeps['isStale'];
}

async function look(deps: LookDeps, tailSeq: number): Promise<Look> {
  const { factory, ports, retry, onBadStart, details, epoch = Number.POSITIVE_INFINITY, isStale } = deps;
  if (tailSeq === 0) return startNew(deps, details, { lastSeq: 0, epoch: 0 });
  const load = await loadVolatileForCertain({ ...ports, factory, onBadStart, isStale }, tailSeq, retry);
  if (load === 'abandoned')
    return { refusal: 'unavailable', epoch: 0, detail: 'the streams could not be read in time' };
  if (load.kind === 'lost') return { failure: load.detail };
  if (load.kind !== 'loaded')
    return {
      refusal: load.kind === 'unreadable' ? 'failed' : 'unknown_game_type',
      epoch: 0,
      detail: load.detail,
    };
  try {
    const { replay, place, records } = load;
    if (place.epoch > epoch) return { refusal: 'claimed', epoch: place.epoch };
    const current = currentGame(factory, replay, details);
    if (current.instance === undefined) return startNew(deps, current.details, place);
    const { restarts } = replay;
    const isLong = records > MAX_RECORDS;
    return { instance: current.instance, details: current.details, restarts, place, isNew: false, isLong };
  } catch (cause) {
    return { refusal: 'unknown_game_type', epoch: 0, detail: messageOf(cause) };
  }
}

function startNew(
  { factory }: Pick<HostingDeps, 'factory'>,
  details: GameDetails,
  place: SnapshotPlace,
): Look {
  const made = createNew({ factory, details });
  if ('refusal' in made) return made;
  return { instance: made.fresh, details, restarts: [], place, isNew: true, isLong: false };
}

/** The first snapshot, then the marker; from then on the game may be shown. */
async function begin(deps: VolatileHostingDeps, chain: Chain, found: Look): Promise<HostingResult> {
  // Before the first snapshot: where there is no room for that, each try leaves a claim.
  if ('isLong' in found && found.isLong && (await cutDown(deps, chain, found.instance.tick)) === 'in_doubt')
    return unavailable('the marker could not be stored', deps.epoch);
  let start = found;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if ('refusal' in start)
      return start.refusal === 'unavailable' ? unavailable(start.detail ?? '', deps.epoch) : refused(start);
    if ('failure' in start) return endFailed(deps, chain, start.failure);
    const restarts = restartsOf(deps, start);
    if (restarts === undefined) return endFailed(deps, chain, deps.restart!.detail);
    const { lastSeq, goodSeq } = start.place;
    const snapshots = new VolatileSnapshots(deps.ports.snapshots, lastSeq, goodSeq);
    const saved = await snapshots.saveFirst(firstSnapshot(deps, chain, start, restarts), deps.retry);
    if (saved.kind === 'stored') return goOn(deps, chain, start, restarts, snapshots);
    if (saved.kind === 'overtaken') return refused({ refusal: 'claimed', epoch: saved.epoch });
    if (saved.kind !== 'behind_another')
      return unavailable('the first snapshot could not be stored', deps.epoch);
    start = await look(deps, chain.lastSeq);
  }
  return unavailable('somebody else stores snapshots of the game', deps.epoch);
}

/** With the mark of this restart; `undefined` when there were too many. */
function restartsOf(
  { factory, restart }: VolatileHostingDeps,
  { restarts, instance }: Start,
): Restarts | undefined {
  const known = new Restarts(factory.definition.tickHz, restarts);
  if (restart === undefined) return known;
  const recent = known.recent(instance.tick);
  if (recent.length >= restart.maxPerMinute) return undefined;
  return new Restarts(factory.definition.tickHz, [...recent, instance.tick]);
}

function firstSnapshot({ factory }: HostingDeps, chain: Chain, start: Start, restarts: Restarts) {
  const { details, instance } = start;
  const state = instance.encodeState();
  // Everybody gets all of it from this hosting first: what led there is not a change.
  instance.encodeDelta();
  const head = { epoch: chain.epoch, nonce: chain.nonce, n: 0 };
  const captured = snapshotOf({ factory, details, restarts }, head, state, hashParts(state));
  return { ...captured, logSeq: chain.lastSeq };
}

async function goOn(
  deps: VolatileHostingDeps,
  chain: Chain,
  { instance, details, isNew }: Start,
  restarts: Restarts,
  snapshots: VolatileSnapshots,
): Promise<HostingResult> {
  if (isNew && (await mark(deps, chain, instance.tick, true)) !== 'stored')
    return unavailable('the marker could not be stored', deps.epoch);
  const reload = (isOver: () => boolean) => reloadGame(deps, chain, snapshots, isOver);
  const volatile = { live: deps.live, snapshots, reload };
  const game: OwnedGame = { instance, details, chain, restarts, replayedRecords: 0, volatile };
  return { kind: 'hosted', game };
}

/** To a new marker, where there is one already: it was shown, and its snapshots say what it is. */
async function cutDown(deps: VolatileHostingDeps, chain: Chain, tick: number): Promise<Marked> {
  const marked = await mark(deps, chain, tick, false);
  if (marked === 'stored') await deps.ports.log.purgeBelow(chain.lastSeq).catch(() => undefined);
  return marked;
}

type Marked = 'stored' | 'left_out' | 'in_doubt';

/** A log that is only longer than it needs to be can stay so, where it is certain that it has no room. */
async function mark(
  { retry }: VolatileHostingDeps,
  chain: Chain,
  tick: number,
  isNeeded: boolean,
): Promise<Marked> {
  // Nothing before it is needed, so it may take of the room that is kept for claims.
  const marker = { kind: 'delta', ...chain.nextHead, tick, isWhole: true, parts: NOTHING } as const;
  let answers = 0;
  let isLeftOut = false;
  const settled = await chain.append(encodeGameRecord(marker), undefined, {
    isOver: () => isLeftOut || retry.isOver(),
    onTrouble: () => {
      answers += 1;
    },
    onFull: () => {
      // After an answer in doubt the copy before this one may still be stored.
      isLeftOut = !isNeeded && answers === 1;
    },
  });
  if (settled.kind === 'stored') return 'stored';
  return isLeftOut ? 'left_out' : 'in_doubt';
}

async function reloadGame(
  deps: VolatileHostingDeps,
  chain: Chain,
  snapshots: VolatileSnapshots,
  isOver: () => boolean,
): Promise<Reloaded> {
  const { ports, retry } = deps;
  const { clock, random } = ports;
  const own = { clock, random, isOver, onTrouble: retry.onTrouble };
  const ownership = await askOwnership(ports.log, chain, own);
  if (ownership === 'cut_back') return { kind: 'lost', detail: 'records of the log are gone' };
  if (ownership !== 'own') return { kind: ownership };
  let staleReads = 0;
  const isStale = (newestSeq: number) => {
    if (newestSeq >= snapshots.lastSeq) return false;
    staleReads += 1;
    return staleReads < MAX_STALE_READS;
  };
  const found = await look({ ...deps, retry: own, isStale }, chain.lastSeq);
  if ('failure' in found) return { kind: 'lost', detail: found.failure };
  if (!('refusal' in found)) return { kind: 'loaded', instance: found.instance };
  if (found.refusal === 'unavailable') return { kind: 'abandoned' };
  if (found.refusal === 'claimed') return { kind: 'overtaken' };
  return { kind: 'unreadable', detail: found.detail ?? found.refusal };
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
