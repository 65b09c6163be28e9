import {
  type ClaimRecord,
  type DeltaRecord,
  decodeGameRecord,
  decodeSnapshot,
  type GameRecord,
  type Snapshot,
} from '@breakwater/bus';
import { type Definitions, definitionOf } from '../../games/definitions.ts';
import { Replay } from '../../games/replay.ts';
import { type Findings, SHOWN_STATES } from '../report.ts';
import type { RecordSource, StoredRecord } from '../sources.ts';
import type { Applied, ClientTrace, Shown } from '../trace.ts';
import { readWhole } from '../whole-reading.ts';
import { OwnerChain } from './chain.ts';
import type { GameRule, GameRuleFactory } from './game-rule.ts';
import { checkGaps, type GapOptions, RecordTimes } from './gaps.ts';
import { checkVolatileGame, type FallBackOptions, isVolatileGame } from './volatile.ts';
import { WorldRule } from './world.ts';

export type GameOptions = GapOptions & FallBackOptions;

/** Rules of single game types. */
const RULES_BY_TYPE: ReadonlyMap<string, GameRuleFactory> = new Map([
  ['world', (replay: Replay): GameRule => new WorldRule(replay)],
]);

/** Compares what clients saw of one game with its log, and the log with the rules. */
export async function checkGame(
  game: string,
  source: RecordSource,
  clients: readonly ClientTrace[],
  definitions: Definitions,
  options: GameOptions,
  findings: Findings,
): Promise<void> {
  const found = await readWhole(source, game, async () => {
    const part = findings.apart();
    await readGame(game, source, clients, definitions, options, part);
    return part;
  });
  findings.take(found);
}

async function readGame(
  game: string,
  source: RecordSource,
  clients: readonly ClientTrace[],
  definitions: Definitions,
  options: GameOptions,
  findings: Findings,
): Promise<void> {
  for (const client of clients) checkOrder(game, client, findings);
  const shown = clients.flatMap(({ games }) => games.get(game)?.shown ?? []);
  if (await isVolatileGame(source.game(game), shown, definitions)) {
    await checkVolatileGame(game, source, clients, definitions, options, findings);
    checkGaps(game, clients, new RecordTimes(), options, findings);
    return;
  }
  const snapshots = await readSnapshots(game, source, findings);
  const check = new GameCheck(game, clients, snapshots, definitions, findings);
  const times = new RecordTimes();
  for await (const record of source.game(game)) {
    times.add(record.seq, record.timeMs);
    check.record(record);
  }
  check.finish();
  checkGaps(game, clients, times, options, findings);
}

/** What one client was shown, in the order in which it was. */
function checkOrder(game: string, client: ClientTrace, findings: Findings): void {
  const where = `game ${game}`;
  let last: Shown | undefined;
  for (const shown of client.games.get(game)?.shown ?? []) {
    if (last !== undefined && shown.epoch < last.epoch)
      findings.violated('epoch_order', where, `epoch ${shown.epoch} was shown after ${last.epoch}`, shown);
    // Full state may come again at the same place: it replaces what is there by the same.
    const isBack =
      last !== undefined && (shown.kind === 'state' ? shown.seq < last.seq : shown.seq <= last.seq);
    if (isBack)
      findings.violated('game_order', where, `record ${shown.seq} was shown after ${last?.seq}`, shown);
    last = shown;
  }
}

async function readSnapshots(game: string, source: RecordSource, findings: Findings): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  for await (const { seq, data } of source.snapshots(game)) {
    const decoded = decodeSnapshot(data);
    if (decoded.ok) snapshots.push(decoded.value);
    else findings.violated('replay', `game ${game}`, `snapshot ${seq}: ${decoded.error.sentence}`);
  }
  return snapshots.sort((a, b) => a.logSeq - b.logSeq);
}

class GameCheck {
  readonly #game: string;
  /** By the record that they include. */
  readonly #snapshots: ReadonlyMap<number, readonly Snapshot[]>;
  readonly #definitions: Definitions;
  readonly #findings: Findings;
  readonly #shown: Map<number, Shown[]>;
  readonly #applied: Map<number, Applied[]>;
  readonly #chain = new OwnerChain();
  #replay: Replay | undefined;
  #rule: GameRule | undefined;
  /** The state cannot be followed any more; the chain still can. */
  #isLost = false;
  #firstSeq: number | undefined;
  #lastSeq = 0;
  readonly #holes: { readonly afterSeq: number; readonly beforeSeq: number }[] = [];
  /** The newest. */
  #claim: ClaimRecord | undefined;

  constructor(
    game: string,
    clients: readonly ClientTrace[],
    snapshots: readonly Snapshot[],
    definitions: Definitions,
    findings: Findings,
  ) {
    this.#game = game;
    this.#snapshots = Map.groupBy(snapshots, ({ logSeq }) => logSeq);
    this.#definitions = definitions;
    this.#findings = findings;
    const traces = clients.map((client) => client.games.get(game)).filter((trace) => trace !== undefined);
    this.#shown = Map.groupBy(
      traces.flatMap(({ shown }) => shown),
      ({ seq }) => seq,
    );
    this.#applied = Map.groupBy(
      traces.flatMap(({ applied }) => applied),
      ({ seq }) => seq,
    );
  }

  record({ seq, data, isAfterHole }: StoredRecord): void {
    this.#findings.checked('game records');
    const isFirst = this.#firstSeq === undefined;
    this.#firstSeq ??= seq;
    if (isAfterHole === true) this.#tear(seq);
    this.#lastSeq = seq;
    const decoded = decodeGameRecord(data);
    if (!decoded.ok) {
      this.#fail(`record ${seq}: ${decoded.error.sentence}`);
      return;
    }
    const record = decoded.value;
    const fault = this.#chain.follow(record);
    if (fault !== undefined) this.#violated('one_owner', `record ${seq} ${fault}`);
    if (isFirst) this.#begin(seq, record);
    if (record.kind === 'claim') this.#checkVersion(record);
    if (record.kind === 'delta') this.#delta(seq, record);
    this.#compareSnapshot(seq);
    this.#compare(seq, record);
  }

  /** The state is known again from the next snapshot on. */
  #tear(seq: number): void {
    this.#holes.push({ afterSeq: this.#lastSeq, beforeSeq: seq });
    this.#chain.tear();
    this.#replay = undefined;
    this.#rule = undefined;
    this.#claim = undefined;
  }

  #isInHole(seq: number): boolean {
    return this.#holes.some(({ afterSeq, beforeSeq }) => seq > afterSeq && seq < beforeSeq);
  }

  /** What was shown and is no record of the log. */
  finish(): void {
    for (const [seq, views] of this.#shown) {
      if (seq < (this.#firstSeq ?? 0)) this.#findings.skipped(SHOWN_STATES.below, views.length);
      else if (this.#isInHole(seq)) this.#findings.skipped(SHOWN_STATES.inHole, views.length);
      else
        for (const view of views)
          this.#findings.violated(
            'shown_committed',
            `game ${this.#game}`,
            `record ${seq} was shown and is not in the log`,
            view,
          );
    }
    for (const [seq, applied] of this.#applied) for (const ack of applied) this.#missingAck(seq, ack);
  }

  /** A log that was never purged is replayed from its first claim; another one from a snapshot. */
  #begin(seq: number, record: GameRecord): void {
    if (record.kind !== 'claim' || record.epoch !== 1 || record.n !== 0) {
      const base = this.#snapshots.get(seq - 1)?.[0];
      if (base !== undefined) this.#load(base);
      return;
    }
    const definition = this.#definitionOf(record);
    if (definition === undefined) {
      this.#isLost = true;
      this.#findings.skipped(`game whose type ${record.type}@${record.schemaVersion} is not here`);
      return;
    }
    this.#guard(() => this.#follow(Replay.begin(definition, record.details)));
  }

  #definitionOf({ type, schemaVersion }: ClaimRecord | Snapshot) {
    return definitionOf(this.#definitions, type, schemaVersion);
  }

  /** A new owner may change the state to another version: if that is not here, only a snapshot of it leads on. */
  #checkVersion(claim: ClaimRecord): void {
    this.#claim = claim;
    if (this.#replay === undefined || this.#definitionOf(claim) !== undefined) return;
    const { type, schemaVersion } = claim;
    this.#replay = undefined;
    this.#rule = undefined;
    this.#findings.skipped(`games that went on as ${type}@${schemaVersion}, until a snapshot of it`);
  }

  #load(snapshot: Snapshot): void {
    const definition = this.#definitionOf(snapshot);
    if (definition === undefined) return;
    this.#guard(() => this.#follow(Replay.from(definition, snapshot)));
  }

  #follow(replay: Replay): void {
    this.#replay = replay;
    this.#rule = RULES_BY_TYPE.get(replay.definition.type)?.(replay);
  }

  /** The state, where the record holds all of it in a version of its own. */
  #beginAnew(seq: number, record: DeltaRecord): void {
    const claim = this.#claim;
    const definition = claim && this.#definitionOf(claim);
    if (claim === undefined || definition === undefined) return;
    this.#guard(() => {
      const replay = Replay.begin(definition, claim.details);
      replay.apply(record);
      this.#follow(replay);
    }, `record ${seq}: `);
  }

  #delta(seq: number, record: DeltaRecord): void {
    if (this.#isLost) return;
    const before = this.#replay?.tick ?? 0;
    if (record.isWhole) this.#beginAnew(seq, record);
    else this.#guard(() => this.#replay?.apply(record), `record ${seq}: `);
    const replay = this.#replay;
    if (replay === undefined || this.#isLost) return;
    if (replay.tick !== record.tick)
      this.#violated('replay', `record ${seq} says tick ${record.tick} and leads to ${replay.tick}`);
    if (record.hash !== undefined && record.hash !== replay.hash())
      this.#violated('replay', `the state after record ${seq} has another hash than the record says`);
    for (const { rule, text } of this.#rule?.settle(replay.tick - before) ?? [])
      this.#violated(rule, `record ${seq}: ${text}`);
  }

  /** A snapshot at this place must be the state that the log gives; without a state it gives one. */
  #compareSnapshot(seq: number): void {
    for (const snapshot of this.#snapshots.get(seq) ?? []) {
      if (this.#replay === undefined) {
        this.#load(snapshot);
        continue;
      }
      if (this.#isLost) continue;
      this.#findings.checked('snapshots');
      if (snapshot.hash !== this.#replay.hash())
        this.#violated('replay', `the snapshot at record ${seq} is not the state of the log there`);
    }
  }

  #compare(seq: number, record: GameRecord): void {
    for (const view of this.#shown.get(seq) ?? []) this.#compareView(view, record);
    this.#shown.delete(seq);
    for (const ack of this.#applied.get(seq) ?? []) this.#compareAck(ack);
    this.#applied.delete(seq);
  }

  #compareView(view: Shown, record: GameRecord): void {
    const fault = this.#viewFault(view, record);
    if (fault === undefined) return;
    this.#findings.violated('shown_committed', `game ${this.#game}`, `record ${view.seq} ${fault}`, view);
  }

  #viewFault(view: Shown, record: GameRecord): string | undefined {
    if (view.epoch !== record.epoch) return `is of epoch ${record.epoch} and was shown as ${view.epoch}`;
    if (view.kind === 'delta' && record.kind !== 'delta') return `is no delta and was shown as one`;
    const replay = this.#isLost ? undefined : this.#replay;
    const isCompared = replay !== undefined && view.shared !== undefined;
    this.#findings.checked(isCompared ? SHOWN_STATES.compared : SHOWN_STATES.placed);
    if (replay === undefined) {
      this.#findings.skipped(SHOWN_STATES.unplayed);
      return undefined;
    }
    if (view.tick !== replay.tick) return `leads to tick ${replay.tick} and was shown as ${view.tick}`;
    if (view.shared !== undefined && view.shared !== replay.view.shared) return 'was shown with other rows';
    if (view.own !== undefined && view.own !== replay.ownDigest(view.pid))
      return "was shown with other rows of the player's own";
    const { events } = replay.view;
    const isComparable = view.events !== undefined && events !== undefined;
    return isComparable && view.events !== events ? 'was shown with other events' : undefined;
  }

  #compareAck(ack: Applied): void {
    const replay = this.#replay;
    if (replay === undefined || this.#isLost) {
      this.#findings.skipped('commands of games whose log cannot be replayed');
      return;
    }
    const applied = replay.ackOf(ack.pid);
    if (applied === undefined) {
      this.#findings.skipped('commands of players without a seat');
      return;
    }
    this.#findings.checked('acked commands');
    if (applied < ack.n)
      this.#findings.violated(
        'command_kept',
        `game ${this.#game}`,
        `command ${ack.n} of player ${ack.pid} was acknowledged at record ${ack.seq}, where ${applied} is the last`,
        ack,
      );
  }

  #missingAck(seq: number, ack: Applied): void {
    if (seq < (this.#firstSeq ?? 0)) {
      this.#findings.skipped('commands below the first record of their log');
      return;
    }
    if (this.#isInHole(seq)) {
      this.#findings.skipped('commands in a hole of the copied log');
      return;
    }
    this.#findings.violated(
      'command_kept',
      `game ${this.#game}`,
      `command ${ack.n} of player ${ack.pid} was acknowledged at record ${seq}, which is not in the log`,
      ack,
    );
  }

  #guard(step: () => void, prefix = ''): void {
    try {
      step();
    } catch (error) {
      this.#fail(`${prefix}${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #fail(text: string): void {
    this.#isLost = true;
    this.#violated('replay', text);
  }

  #violated(rule: Parameters<Findings['violated']>[0], text: string): void {
    this.#findings.violated(rule, `game ${this.#game}`, text);
  }
}
