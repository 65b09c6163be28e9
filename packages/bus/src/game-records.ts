/**
 * Records of a game's log, its snapshots, and the owner's answer to a join. Binary; integers are varints.
 *
 *   log record    version kind  epoch nonce n  …
 *     claim       pod type schemaVersion details(JSON text)
 *     delta       tick  flags [hash u32 | flags & 1]  <parts>      flags & 2: restart, flags & 4: whole
 *     end         reason
 *   parts         slice-count (pid length)*  shared-length server-length  shared server slices…
 *
 * The offset table lets an edge cut out the shared part and a player's slice without decoding either.
 */

import { ByteReader, ByteWriter, DecodeError, type DecodeResult, decode } from '@breakwater/protocol';

const VERSION = 1;
const KIND = { claim: 1, delta: 2, end: 3 } as const;
const HAS_HASH = 1;
const IS_RESTART = 2;
const IS_WHOLE = 4;

export interface Slice {
  readonly pid: number;
  readonly bytes: Uint8Array;
}

/** A state or a change of it: for everybody, for the server alone, and one slice for each player concerned. */
export interface StateParts {
  readonly shared: Uint8Array;
  readonly server: Uint8Array;
  readonly slices: readonly Slice[];
}

/** Names one append: an owner knows its own records by all three. */
export interface RecordHead {
  readonly epoch: number;
  readonly nonce: string;
  /** Counts the records of one hosting from 0 (the claim). */
  readonly n: number;
}
export interface ClaimRecord extends RecordHead {
  readonly kind: 'claim';
  readonly pod: string;
  readonly type: string;
  readonly schemaVersion: number;
  /** JSON text: options and seed of the game. */
  readonly details: string;
}
export interface DeltaRecord extends RecordHead {
  readonly kind: 'delta';
  readonly tick: number;
  /** Hash of the whole state after this record, u32; on every K-th record. */
  readonly hash?: number;
  /** The first record after the game threw and was loaded from its log again. */
  readonly isRestart?: true;
  /** It holds all of the game, which goes on from it in the version of its claim: nothing before it is needed. */
  readonly isWhole?: true;
  readonly parts: StateParts;
}
export interface EndRecord extends RecordHead {
  readonly kind: 'end';
  readonly reason: string;
}
export type GameRecord = ClaimRecord | DeltaRecord | EndRecord;

const writer = new ByteWriter(16_384);

function writeParts(parts: StateParts): void {
  writer.varint(parts.slices.length);
  for (const slice of parts.slices) {
    writer.varint(slice.pid);
    writer.varint(slice.bytes.length);
  }
  writer.varint(parts.shared.length);
  writer.varint(parts.server.length);
  writer.bytes(parts.shared);
  writer.bytes(parts.server);
  for (const slice of parts.slices) writer.bytes(slice.bytes);
}

function readParts(reader: ByteReader): StateParts {
  const count = reader.varint();
  if (count * 2 > reader.remaining) throw new DecodeError('has more slices than bytes');
  const table = Array.from({ length: count }, () => ({ pid: reader.varint(), length: reader.varint() }));
  const sharedLength = reader.varint();
  const serverLength = reader.varint();
  const shared = reader.bytes(sharedLength);
  const server = reader.bytes(serverLength);
  const slices = table.map(({ pid, length }) => ({ pid, bytes: reader.bytes(length) }));
  return { shared, server, slices };
}

export function encodeGameRecord(record: GameRecord): Uint8Array {
  writer.reset();
  writer.u8(VERSION);
  writer.u8(KIND[record.kind]);
  writer.varint(record.epoch);
  writer.text(record.nonce);
  writer.varint(record.n);
  switch (record.kind) {
    case 'claim':
      writer.text(record.pod);
      writer.text(record.type);
      writer.varint(record.schemaVersion);
      writer.text(record.details);
      break;
    case 'delta':
      writer.varint(record.tick);
      writer.u8(flagsOf(record));
      if (record.hash !== undefined) writer.u32(record.hash);
      writeParts(record.parts);
      break;
    case 'end':
      writer.text(record.reason);
      break;
    default:
      record satisfies never;
  }
  return writer.finish();
}

function flagsOf({ hash, isRestart, isWhole }: DeltaRecord): number {
  return (hash === undefined ? 0 : HAS_HASH) | (isRestart ? IS_RESTART : 0) | (isWhole ? IS_WHOLE : 0);
}

/** Total over any bytes. Parts are views into `bytes`. */
export function decodeGameRecord(bytes: Uint8Array): DecodeResult<GameRecord> {
  return decode((value) => readGameRecord(new ByteReader(value as Uint8Array)), bytes);
}

function readGameRecord(reader: ByteReader): GameRecord {
  readVersion(reader);
  const kind = reader.u8();
  const head = { epoch: reader.varint(), nonce: reader.text(64), n: reader.varint() };
  switch (kind) {
    case KIND.claim: {
      const claim = {
        kind: 'claim',
        ...head,
        pod: reader.text(64),
        type: reader.text(64),
        schemaVersion: reader.varint(),
        details: reader.text(),
      } as const;
      reader.end();
      return claim;
    }
    case KIND.delta: {
      const tick = reader.varint();
      const flags = reader.u8();
      const hash = (flags & HAS_HASH) === 0 ? undefined : reader.u32();
      const isRestart = (flags & IS_RESTART) === 0 ? undefined : true;
      const isWhole = (flags & IS_WHOLE) === 0 ? undefined : true;
      const parts = readParts(reader);
      reader.end();
      return {
        kind: 'delta',
        ...head,
        tick,
        ...(hash !== undefined && { hash }),
        ...(isRestart && { isRestart }),
        ...(isWhole && { isWhole }),
        parts,
      };
    }
    case KIND.end: {
      const end = { kind: 'end', ...head, reason: reader.text() } as const;
      reader.end();
      return end;
    }
    default:
      throw new DecodeError('is not a game record');
  }
}

function readVersion(reader: ByteReader): void {
  if (reader.u8() !== VERSION) throw new DecodeError('has a version that is not known');
}

/** A snapshot: the state after the log record at `logSeq`. The checksum covers everything before it. */
export interface Snapshot extends RecordHead {
  readonly type: string;
  readonly schemaVersion: number;
  readonly details: string;
  readonly logSeq: number;
  readonly tick: number;
  /** Hash of the state, u32. */
  readonly hash: number;
  readonly parts: StateParts;
}

export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  writer.reset();
  writer.u8(VERSION);
  writer.varint(snapshot.epoch);
  writer.text(snapshot.nonce);
  writer.varint(snapshot.n);
  writer.text(snapshot.type);
  writer.varint(snapshot.schemaVersion);
  writer.text(snapshot.details);
  writer.varint(snapshot.logSeq);
  writer.varint(snapshot.tick);
  writer.u32(snapshot.hash);
  writeParts(snapshot.parts);
  const body = writer.finish();
  writer.u32(crc32(body));
  return writer.finish();
}

/** Total over any bytes; a wrong checksum is an error like any other. */
export function decodeSnapshot(bytes: Uint8Array): DecodeResult<Snapshot> {
  return decode((value) => readSnapshot(value as Uint8Array), bytes);
}

function readSnapshot(bytes: Uint8Array): Snapshot {
  if (bytes.length < 4) throw new DecodeError('bytes end too early');
  const body = bytes.subarray(0, bytes.length - 4);
  if (new ByteReader(bytes, body.length).u32() !== crc32(body))
    throw new DecodeError('checksum does not match');
  const reader = new ByteReader(body);
  readVersion(reader);
  const snapshot = {
    epoch: reader.varint(),
    nonce: reader.text(64),
    n: reader.varint(),
    type: reader.text(64),
    schemaVersion: reader.varint(),
    details: reader.text(),
    logSeq: reader.varint(),
    tick: reader.varint(),
    hash: reader.u32(),
    parts: readParts(reader),
  };
  reader.end();
  return snapshot;
}

/** The owner's answer to a join or sync: full state as it stands in the log at `seq`, or on `.live` at `liveN`. */
export interface StateReply {
  readonly epoch: number;
  readonly seq: number;
  readonly tick: number;
  readonly pod: string;
  /** Echo of the join's number; 0 for a sync or a spectator. */
  readonly join: number;
  /** 0 for a sync or a spectator. */
  readonly pid: number;
  readonly ack: number;
  /** JSON text of the game's schema. */
  readonly schema: string;
  /** The server part is always empty here. */
  readonly parts: StateParts;
  /** Only of a volatile game: the state is that after the `.live` delta with this `n`; `seq` is the log's newest. */
  readonly liveN?: number;
}

export function encodeStateReply(reply: StateReply): Uint8Array {
  writer.reset();
  writer.u8(VERSION);
  writer.varint(reply.epoch);
  writer.varint(reply.seq);
  writer.varint(reply.tick);
  writer.text(reply.pod);
  writer.varint(reply.join);
  writer.varint(reply.pid);
  writer.varint(reply.ack);
  writer.text(reply.schema);
  writeParts(reply.parts);
  if (reply.liveN !== undefined) writer.varint(reply.liveN);
  return writer.finish();
}

/** Bytes after the last field are left unread: fields may be added behind it. */

export function decodeStateReply(bytes: Uint8Array): DecodeResult<StateReply> {
  return decode((value) => {
    const reader = new ByteReader(value as Uint8Array);
    readVersion(reader);
    const reply = {
      epoch: reader.varint(),
      seq: reader.varint(),
      tick: reader.varint(),
      pod: reader.text(64),
      join: reader.varint(),
      pid: reader.varint(),
      ack: reader.varint(),
      schema: reader.text(),
      parts: readParts(reader),
    };
    return reader.remaining === 0 ? reply : { ...reply, liveN: reader.varint() };
  }, bytes);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
