/**
 * Game records on the wire: binary frames, server to client. All integers are unsigned LEB128 varints.
 *
 *   state  01 handle epoch seq tick  shared-length shared  slice-length slice
 *   delta  02 handle epoch seq prev tick  shared…
 *   slice  03 handle epoch seq  slice…        the private part of the delta with this seq; sent just before it
 */

import { ByteReader, ByteWriter } from './bytes.ts';
import { DecodeError, type DecodeResult, decode } from './shape.ts';

export const GAME_FRAME = { state: 1, delta: 2, slice: 3 } as const;

interface GameFrameHead {
  /** The edge's number for the game on this connection, from `game.joined`. */
  readonly handle: number;
  readonly epoch: number;
  /** Place of the record in the game: it rises, with holes. */
  readonly seq: number;
}
export interface GameStateFrame extends GameFrameHead {
  readonly kind: 'state';
  readonly tick: number;
  readonly shared: Uint8Array;
  readonly slice: Uint8Array;
}
export interface GameDeltaFrame extends GameFrameHead {
  readonly kind: 'delta';
  /** Place of the record before it in the game. */
  readonly prev: number;
  readonly tick: number;
  readonly shared: Uint8Array;
}
export interface GameSliceFrame extends GameFrameHead {
  readonly kind: 'slice';
  readonly slice: Uint8Array;
}
export type GameFrame = GameStateFrame | GameDeltaFrame | GameSliceFrame;

const writer = new ByteWriter(4_096);

export function encodeGameFrame(frame: GameFrame): Uint8Array {
  writer.reset();
  writer.u8(GAME_FRAME[frame.kind]);
  writer.varint(frame.handle);
  writer.varint(frame.epoch);
  writer.varint(frame.seq);
  switch (frame.kind) {
    case 'state':
      writer.varint(frame.tick);
      writer.sized(frame.shared);
      writer.sized(frame.slice);
      break;
    case 'delta':
      writer.varint(frame.prev);
      writer.varint(frame.tick);
      writer.bytes(frame.shared);
      break;
    case 'slice':
      writer.bytes(frame.slice);
      break;
    default:
      frame satisfies never;
  }
  return writer.finish();
}

/** Total over any bytes. The parts of the result are views into `bytes`. */
export function decodeGameFrame(bytes: Uint8Array): DecodeResult<GameFrame> {
  return decode((value) => readGameFrame(new ByteReader(value as Uint8Array)), bytes);
}

function readGameFrame(reader: ByteReader): GameFrame {
  const kind = reader.u8();
  const head = { handle: reader.varint(), epoch: reader.varint(), seq: reader.varint() };
  switch (kind) {
    case GAME_FRAME.state: {
      const frame = {
        kind: 'state',
        ...head,
        tick: reader.varint(),
        shared: reader.sized(),
        slice: reader.sized(),
      } as const;
      reader.end();
      return frame;
    }
    case GAME_FRAME.delta:
      return { kind: 'delta', ...head, prev: reader.varint(), tick: reader.varint(), shared: reader.rest() };
    case GAME_FRAME.slice:
      return { kind: 'slice', ...head, slice: reader.rest() };
    default:
      throw new DecodeError('is not a game frame');
  }
}
