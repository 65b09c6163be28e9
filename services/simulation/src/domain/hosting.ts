/** From "host this game at this epoch" to an owner: warm up, claim, catch up. */

import type { ClaimRecord } from '@breakwater/bus';
import { encodeGameRecord } from '@breakwater/bus';
import { GameError, type GameInstance } from '@breakwater/game-kit';
import { Chain } from './chain.ts';
import { claimGame, type Refusal, readTailForCertain, recordHead, refuseBehind } from './claim.ts';
import { encodeDetails, type GameDetails, type GameFactory } from './game-factory.ts';
import { type LoadResult, loadForCertain, loadGame, replayTo } from './loader.ts';
import { type CurrentGame, currentGame } from './migration.ts';
import type { OwnedGame } from './owner-phase.ts';
import { FAILED_REASON } from './owner-types.ts';
import type { OwnerPorts } from './ports.ts';
import { CorruptLogError, LogHoleError, type Replay } from './replay.ts';
import { Restarts } from './restarts.ts';
import { appendUntilSettled, type Retry, untilRead } from './settle.ts';

export interface HostingDeps {
  readonly pod: string;
  readonly ports: OwnerPorts;
  readonly factory: GameFactory;
  /** New with every hosting. */
  readonly nonce: string;
  readonly epoch: number;
  /** Used only if the log is empty. */
  readonly details: GameDetails;
  readonly retry: Retry;
  readonly onBadStart: (problem: string) => void;
  /** The game as this process has it already, near the log's tail; nobody else may use it any more. */
  readonly warm?: Replay | undefined;
  /** Sequence of the log's last record, by the word of the owner that gave the game up. */
  readonly tailSeq?: number | undefined;
}

export type HostingResult =
  | { readonly kind: 'hosted'; readonly game: OwnedGame }
  | ({ readonly kind: 'refused' } & Refusal);

/** What the game is made of before its claim. */
type Warm = { readonly replay: Replay } | { readonly fresh: GameInstance } | { readonly failure: string };

export const refused = (refusal: Refusal): HostingResult => ({ kind: 'refused', ...refusal });
/** `epoch`: that of its claim, once that is in the log. */
export const unavailable = (detail: string, epoch = 0): HostingResult =>
  refused({ refusal: 'unavailable', epoch, detail });

/** Never rejects for what the streams do; the retry's `isOver` bounds it. */
export async function hostGame(deps: HostingDeps): Promise<HostingResult> {
  const { tailSeq, ports, epoch } = deps;
  const isNamed = deps.warm !== undefined && tailSeq !== undefined;
  const warm = isNamed ? await tryReplayTo(ports, deps.warm, tailSeq) : deps.warm;
  if (isNamed && warm !== undefined && isRightBehind(warm, tailSeq, epoch))
    return claimAndCatchUp(deps, { replay: warm }, tailSeq);
  const tail = await readTailForCertain(ports.log, epoch, deps.retry);
  if (tail === 'abandoned') return unavailable('the log could not be read in time');
  const refusal = refuseBehind(tail, deps.epoch);
  if (refusal !== undefined) return refused(refusal);
  const made = tail === undefined ? createNew(deps) : await warmUp(deps, warm, tail.seq);
  return 'refusal' in made ? refused(made) : claimAndCatchUp(deps, made);
}

/**
 * A claim of `epoch` is right behind the record that the old owner named as its last. The append will prove that it
 * is the tail; that it is no `end` and of a lower epoch no append can prove, so the record itself has to have been
 * applied here. Where this says no, the usual way says what is wrong.
 */
function isRightBehind({ seq, ended, head }: Replay, tailSeq: number, epoch: number): boolean {
  return seq === tailSeq && ended === undefined && head !== undefined && head.epoch < epoch;
}

/** Up to `toSeq`, or `undefined` and good for nothing. */
async function tryReplayTo(ports: OwnerPorts, replay: Replay, toSeq: number): Promise<Replay | undefined> {
  // One that is ahead heard of records which the log has lost.
  if (replay.seq > toSeq) return undefined;
  try {
    await replayTo(ports.log, replay, toSeq);
    return replay;
  } catch {
    return undefined;
  }
}

/** The process itself refuses options that do not fit, before anything is in the log. */
export function createNew({
  factory,
  details,
}: Pick<HostingDeps, 'factory' | 'details'>): { readonly fresh: GameInstance } | Refusal {
  try {
    return { fresh: factory.create(details) };
  } catch (cause) {
    const isOptions = cause instanceof GameError;
    const detail = cause instanceof Error ? cause.message : String(cause);
    return { refusal: isOptions ? 'bad_options' : 'failed', epoch: 0, detail };
  }
}

async function warmUp(deps: HostingDeps, warm: Replay | undefined, tailSeq: number): Promise<Warm | Refusal> {
  const replay = warm !== undefined ? await tryReplayTo(deps.ports, warm, tailSeq) : undefined;
  if (replay !== undefined) return { replay };
  return warmOf(await loadForCertain(loaderDeps(deps), tailSeq, deps.retry));
}

function warmOf(load: LoadResult | 'abandoned'): Warm | Refusal {
  if (load === 'abandoned')
    return { refusal: 'unavailable', epoch: 0, detail: 'the log could not be read in time' };
  switch (load.kind) {
    case 'loaded':
      return { replay: load.replay };
    case 'lost':
      return { failure: load.detail };
    case 'unreadable':
      return { refusal: 'failed', epoch: 0, detail: load.detail };
    case 'wrong_version':
      return { refusal: 'unknown_game_type', epoch: 0, detail: load.detail };
    default:
      return load satisfies never;
  }
}

const loaderDeps = ({ ports, factory, onBadStart }: HostingDeps) => ({
  log: ports.log,
  snapshots: ports.snapshots,
  factory,
  onBadStart,
});

async function claimAndCatchUp(deps: HostingDeps, warm: Warm, knownTailSeq?: number): Promise<HostingResult> {
  const before = 'replay' in warm ? currentBefore(deps, warm.replay) : undefined;
  if (before !== undefined && 'refusal' in before) return refused(before);
  const details = before?.details ?? deps.details;
  const claim = claimRecord(deps, details);
  const claimed = await claimGame(deps.ports.log, claim, deps.retry, knownTailSeq);
  if (claimed.kind === 'refused') return claimed;
  const chain = new Chain(claim, claimed.seq, { ...deps.ports, onTrouble: deps.retry.onTrouble });
  // While another owner went on, what seemed lost may only have been purged behind newer snapshots.
  const start = 'failure' in warm ? await warmUp(deps, undefined, claimed.seq) : warm;
  if ('refusal' in start) return refused(start);
  if ('failure' in start) return endFailed(deps, chain, start.failure);
  if ('fresh' in start) return hosted(deps, { details, chain, replayedRecords: 0 }, start.fresh, []);
  // Its claim was made without knowing the game, so not with the details of a migrated one.
  if ('failure' in warm && start.replay.schemaVersion !== deps.factory.definition.schemaVersion)
    return unavailable('the game has another version than was known before its claim');
  const caughtUp = await untilRead(() => catchUp(deps, start.replay, claimed), deps.retry);
  if (caughtUp === 'abandoned') return unavailable('the log could not be read in time');
  if ('refusal' in caughtUp) return refused(caughtUp);
  if ('failure' in caughtUp) return endFailed(deps, chain, caughtUp.failure);
  return goOn({ ...deps, details }, chain, caughtUp.replay, before);
}

/** The game before the claim, and the place in the log that it stands for. */
interface Before extends CurrentGame {
  readonly replay: Replay;
  readonly seq: number;
}

/** A game that this version cannot take over is left to the one that has it: nothing is claimed. */
function currentBefore(deps: HostingDeps, replay: Replay): Before | Refusal {
  try {
    return { ...currentGame(deps.factory, replay, deps.details), replay, seq: replay.seq };
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return { refusal: 'unknown_game_type', epoch: 0, detail };
  }
}

function goOn(deps: HostingDeps, chain: Chain, replay: Replay, before: Before | undefined): HostingResult {
  const isAsBefore = before?.replay === replay && before.seq === replay.seq;
  const current = isAsBefore ? before : currentBefore(deps, replay);
  if ('refusal' in current) return refused(current);
  const { details } = deps;
  const { instance } = current;
  const game = { details, chain, replayedRecords: replay.records };
  if (instance !== undefined) return hosted(deps, game, instance, replay.restarts);
  // Only claims so far: no owner came as far as storing what `setup` made.
  const fresh = createNew(deps);
  return 'fresh' in fresh ? hosted(deps, game, fresh.fresh, []) : refused(fresh);
}

function hosted(
  { factory }: HostingDeps,
  game: Pick<OwnedGame, 'details' | 'chain' | 'replayedRecords'>,
  instance: GameInstance,
  restarts: readonly number[],
): HostingResult {
  return {
    kind: 'hosted',
    game: { ...game, instance, restarts: new Restarts(factory.definition.tickHz, restarts) },
  };
}

/** Records between the warm state and the claim. The owner went on meanwhile and may have purged below. */
async function catchUp(
  deps: HostingDeps,
  replay: Replay,
  claimed: { readonly seq: number; readonly after: number },
): Promise<{ replay: Replay } | { failure: string } | Refusal> {
  // The append itself proved that nothing lies between.
  if (replay.seq === claimed.after) return { replay };
  try {
    if (replay.seq > claimed.after) throw new LogHoleError('the log has lost records that were heard of');
    await replayTo(deps.ports.log, replay, claimed.seq);
    return { replay };
  } catch (cause) {
    if (!(cause instanceof LogHoleError || cause instanceof CorruptLogError)) throw cause;
    const warm = warmOf(await loadGame(loaderDeps(deps), claimed.seq));
    if ('fresh' in warm) throw new Error('unreachable: a loaded game is never new');
    return warm;
  }
}

export function claimRecord({ epoch, nonce, pod, factory }: HostingDeps, details: GameDetails): ClaimRecord {
  const { type, schemaVersion } = factory.definition;
  return { kind: 'claim', epoch, nonce, n: 0, pod, type, schemaVersion, details: encodeDetails(details) };
}

/** A game that cannot be loaded is marked so in its log, so that nobody tries again. */
export async function endFailed(deps: HostingDeps, chain: Chain, detail: string): Promise<HostingResult> {
  const head = chain.nextHead;
  const bytes = encodeGameRecord({ kind: 'end', ...head, reason: FAILED_REASON });
  const pending = { head, bytes, expectedSeq: chain.lastSeq };
  await appendUntilSettled(deps.ports.log, pending, recordHead, deps.retry);
  return refused({ refusal: 'failed', epoch: deps.epoch, detail });
}
