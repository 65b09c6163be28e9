import type { DeltaRecord, Snapshot } from '@breakwater/bus';
import { Replica } from '@breakwater/client';
import {
  type Award,
  emptyInstance,
  type GameDefinition,
  type GameInstance,
  hydrate,
} from '@breakwater/game-kit';
import { hashRow, toHex8, ViewDigest, type ViewDigests } from '../recorder/view-digest.ts';
import { type GameDetails, readDetails } from './details.ts';

/** As a client's digests; the events of the delta before a snapshot are not in it. */
export type ReplayView = Omit<ViewDigests, 'events'> & { readonly events: string | undefined };

/** A game replayed from its log: the whole state, and what a spectator would see of it. */
export class Replay {
  readonly definition: GameDefinition;
  readonly details: GameDetails;
  /** What everybody sees. */
  readonly replica: Replica;
  readonly #instance: GameInstance;
  readonly #digest: ViewDigest;
  #view: ReplayView;

  private constructor(definition: GameDefinition, details: GameDetails, instance: GameInstance) {
    this.definition = definition;
    this.details = details;
    this.#instance = instance;
    this.replica = new Replica(definition.schema);
    this.#digest = new ViewDigest(this.replica);
    this.#view = this.#digest.take();
  }

  /** Before the first delta of a log. @throws Error when the details do not fit the type */
  static begin(definition: GameDefinition, detailsText: string): Replay {
    const details = readDetails(detailsText);
    return new Replay(definition, details, emptyInstance(definition, details));
  }

  /** @throws ReplicaError, GameError or Error when the snapshot does not fit the type */
  static from(definition: GameDefinition, snapshot: Snapshot): Replay {
    const details = readDetails(snapshot.details);
    const replay = new Replay(definition, details, hydrate(definition, snapshot.parts, details));
    replay.replica.applyState(snapshot.parts.shared);
    replay.#view = { ...replay.#digest.take(), events: undefined };
    return replay;
  }

  get tick(): number {
    return this.#instance.tick;
  }

  /** Digests of what everybody sees, and of the events of the last delta, if it was replayed here. */
  get view(): ReplayView {
    return this.#view;
  }

  /** @throws ReplicaError or GameError when the delta does not fit the state */
  apply({ parts }: DeltaRecord): void {
    this.#instance.applyDelta(parts);
    this.replica.applyDelta(parts.shared);
    this.#view = this.#digest.take();
  }

  /** The part of the full state that everybody sees, encoded. */
  sharedState(): Uint8Array {
    return this.#instance.encodeState().shared;
  }

  /** Hash of the whole state, as records and snapshots hold it. */
  hash(): number {
    return this.#instance.hash();
  }

  /** The outbox: awards that are not known to be in their users' ledgers. */
  awards(): readonly Award[] {
    return this.#instance.awards();
  }

  /** Number of the last command of a player that is applied; undefined without such a seat. */
  ackOf(pid: number): number | undefined {
    return this.#instance.ackOf(pid);
  }

  /** Digest of the rows that only this player sees; a spectator's is zero. */
  ownDigest(pid: number | undefined): string {
    if (pid === undefined) return toHex8(0);
    let sum = 0;
    for (const { name, visibility, transient, columns } of this.definition.schema.tables) {
      if (visibility !== 'owner' || transient) continue;
      const names = columns.map((column) => column.name);
      for (const row of this.#rowsOf(name))
        if (row.owner === pid) sum = (sum + hashRow(name, names, row.id, row)) | 0;
    }
    return toHex8(sum);
  }

  #rowsOf(table: string) {
    type Row = { readonly id: number; readonly owner: number } & { readonly [column: string]: number };
    return (this.#instance.tables as unknown as Readonly<Record<string, Iterable<Row>>>)[table] ?? [];
  }
}
