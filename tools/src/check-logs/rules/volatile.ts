import { decodeGameRecord, decodeSnapshot, LIVE_LIMITS } from '@breakwater/bus';
import { type Definitions, definitionOf } from '../../games/definitions.ts';
import { Replay } from '../../games/replay.ts';
import { isMarker } from '../../games/volatile.ts';
import { type Findings, SHOWN_STATES } from '../report.ts';
import type { RecordSource, StoredRecord } from '../sources.ts';
import type { ClientTrace, Shown } from '../trace.ts';
import { OwnerChain } from './chain.ts';

export interface FallBackOptions {
  /** How much of what was shown the change of owner of a volatile game may undo, ms of the game's time. */
  readonly volatileLossMs: number;
}

const epochOf = (position: number): number => Math.floor(position / LIVE_LIMITS.deltasPerEpoch);

/**
 * Whether the deltas of a game were published and not stored. Its type says so; of a type that is not here the places
 * that were shown do, which no sequence of a stream reaches.
 */
export async function isVolatileGame(
  records: AsyncIterable<StoredRecord>,
  shown: Iterable<Shown>,
  definitions: Definitions,
): Promise<boolean> {
  for await (const { data } of records) {
    const decoded = decodeGameRecord(data);
    if (decoded.ok && isMarker(decoded.value)) continue;
    if (!decoded.ok || decoded.value.kind !== 'claim') break;
    const { type, schemaVersion } = decoded.value;
    const definition = definitionOf(definitions, type, schemaVersion);
    if (definition !== undefined) return definition.durability === 'volatile';
    break;
  }
  for (const { seq } of shown) return epochOf(seq) > 0;
  return false;
}

/** Holds what clients were shown of a volatile game against each other, and its owners against the log. */
export async function checkVolatileGame(
  game: string,
  source: RecordSource,
  clients: readonly ClientTrace[],
  definitions: Definitions,
  options: FallBackOptions,
  findings: Findings,
): Promise<void> {
  const check = new VolatileCheck(game, definitions, findings);
  for await (const record of source.game(game)) check.record(record);
  for await (const { seq, data } of source.snapshots(game)) check.snapshot(seq, data);
  for (const client of clients) {
    const trace = client.games.get(game);
    check.shown(trace?.shown ?? []);
    findings.skipped('acked commands of volatile games', trace?.applied.length ?? 0);
  }
  check.finish(options.volatileLossMs);
}

/** What is known of the shown states of one epoch. */
interface Hosting {
  maxTick: number;
  minTick: number;
  /** The line that shows the lowest tick. */
  first: Shown;
}

class VolatileCheck {
  readonly #where: string;
  readonly #definitions: Definitions;
  readonly #findings: Findings;
  readonly #chain = new OwnerChain();
  /** Epochs that the log knows. */
  readonly #epochs = new Set<number>();
  readonly #hostings = new Map<number, Hosting>();
  /** What the first client that was there was shown at each position, as a state and as a delta. */
  readonly #views = new Map<string, Shown>();
  #firstEpoch: number | undefined;
  #tickHz: number | undefined;

  constructor(game: string, definitions: Definitions, findings: Findings) {
    this.#where = `game ${game}`;
    this.#definitions = definitions;
    this.#findings = findings;
  }

  record({ seq, data, isAfterHole }: StoredRecord): void {
    this.#findings.checked('game records');
    if (isAfterHole === true) this.#chain.tear();
    const decoded = decodeGameRecord(data);
    if (!decoded.ok) {
      this.#findings.violated('replay', this.#where, `record ${seq}: ${decoded.error.sentence}`);
      return;
    }
    const record = decoded.value;
    this.#firstEpoch ??= record.epoch;
    const fault = this.#chain.follow(record);
    if (fault !== undefined) this.#findings.violated('one_owner', this.#where, `record ${seq} ${fault}`);
    this.#epochs.add(record.epoch);
    if (record.kind === 'claim') this.#definitionOf(record);
    if (record.kind === 'delta' && !isMarker(record))
      this.#findings.violated('replay', this.#where, `record ${seq} is a delta that should not be stored`);
  }

  snapshot(seq: number, data: Uint8Array): void {
    const fault = this.#snapshotFault(data);
    if (fault !== undefined) this.#findings.violated('replay', this.#where, `snapshot ${seq}: ${fault}`);
  }

  /** What one client was shown, in the order in which it was. */
  shown(views: readonly Shown[]): void {
    let last: Shown | undefined;
    for (const view of views) {
      const fault = this.#placeFault(view) ?? orderFault(view, last) ?? this.#difference(view);
      if (fault !== undefined)
        this.#findings.violated('shown_alike', this.#where, `${nameOf(view)} ${fault}`, view);
      this.#note(view);
      last = view;
    }
  }

  /** How far the state fell back from one owner to the next. */
  finish(volatileLossMs: number): void {
    if (this.#tickHz === undefined) {
      this.#findings.skipped('falls back of volatile games whose type is not here');
      return;
    }
    const maxTicks = Math.max(1, Math.ceil((volatileLossMs * this.#tickHz) / 1_000));
    const hostings = [...this.#hostings].sort(([a], [b]) => a - b).map(([, hosting]) => hosting);
    for (const [index, hosting] of hostings.entries()) {
      const before = hostings[index - 1];
      if (before === undefined) continue;
      this.#findings.checked('changes of owner');
      const lost = before.maxTick - hosting.minTick;
      if (lost <= maxTicks) continue;
      const text = `${lost} ticks that had been shown were undone, and ${maxTicks} may be`;
      this.#findings.violated('fall_back', this.#where, text, hosting.first);
    }
  }

  #definitionOf({ type, schemaVersion }: { readonly type: string; readonly schemaVersion: number }) {
    const definition = definitionOf(this.#definitions, type, schemaVersion);
    this.#tickHz = definition?.tickHz ?? this.#tickHz;
    return definition;
  }

  #snapshotFault(data: Uint8Array): string | undefined {
    const decoded = decodeSnapshot(data);
    if (!decoded.ok) return decoded.error.sentence;
    const snapshot = decoded.value;
    const definition = this.#definitionOf(snapshot);
    if (definition === undefined) return undefined;
    this.#findings.checked('snapshots');
    try {
      const hash = Replay.from(definition, snapshot).hash();
      return hash === snapshot.hash ? undefined : 'its state does not have the hash that it says';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #placeFault({ seq, epoch }: Shown): string | undefined {
    if (epochOf(seq) !== epoch) return `was shown as one of epoch ${epoch}`;
    if (epoch < (this.#firstEpoch ?? 0) || this.#epochs.has(epoch)) return undefined;
    return 'is of an epoch that nobody claimed';
  }

  /** Two clients are shown the same at the same place. */
  #difference(view: Shown): string | undefined {
    const key = `${view.kind} ${view.seq}`;
    const other = this.#views.get(key);
    const isCompared = other?.shared !== undefined && view.shared !== undefined;
    this.#findings.checked(isCompared ? SHOWN_STATES.compared : SHOWN_STATES.placed);
    if (other === undefined) {
      this.#views.set(key, view);
      return undefined;
    }
    const told = `${other.file}:${other.line}`;
    if (view.kind === 'delta' && view.tick !== other.tick)
      return `leads to tick ${view.tick} here and to ${other.tick} in ${told}`;
    if (differ(view.shared, other.shared)) return `was shown with other rows than in ${told}`;
    return differ(view.events, other.events) ? `was shown with other events than in ${told}` : undefined;
  }

  #note(view: Shown): void {
    const known = this.#hostings.get(view.epoch);
    if (known === undefined) {
      this.#hostings.set(view.epoch, { maxTick: view.tick, minTick: view.tick, first: view });
      return;
    }
    known.maxTick = Math.max(known.maxTick, view.tick);
    if (view.tick >= known.minTick) return;
    known.minTick = view.tick;
    known.first = view;
  }
}

/** Deltas are shown without a hole; full state may come at any place ahead. */
function orderFault(view: Shown, last: Shown | undefined): string | undefined {
  if (view.kind === 'state' || view.seq <= (last?.seq ?? 0)) return undefined;
  return view.seq === (last?.seq ?? 0) + 1 ? undefined : `was shown after ${nameOf(last)}`;
}

/** `delta 4.17`: the 17th delta of epoch 4. */
function nameOf(view: Shown | undefined): string {
  if (view === undefined) return 'nothing';
  return `${view.kind} ${epochOf(view.seq)}.${view.seq % LIVE_LIMITS.deltasPerEpoch}`;
}

const differ = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && other !== undefined && one !== other;
