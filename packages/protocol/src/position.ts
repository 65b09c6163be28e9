import { type DecodedObject, type Decoder, int, loose, strict, string } from './shape.ts';

const fields = {
  /** The incarnation of the stream that holds the room. */
  epoch: string({ minLength: 1, maxLength: 32 }),
  /** Sequence of the last message seen; 0 for none. */
  seq: int(0),
  /** Identity of the record at `seq`, empty at 0: a stream that was cut and refilled shows itself by it. */
  stamp: string({ maxLength: 32 }),
};

/** Where a reader stands in a room's log. */
export type Position = DecodedObject<typeof fields>;
export const strictPosition: Decoder<Position> = strict(fields);
export const position: Decoder<Position> = loose(fields);
