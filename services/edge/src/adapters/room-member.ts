import type { Frame } from '../fanout/frame.ts';
import type { Connection } from './connection.ts';

/** One connection in one room. */
export class RoomMember {
  readonly connection: Connection;
  /** False while an answer of chat is awaited: what comes in meanwhile is kept and follows the answer. */
  isLive = false;
  /** Messages up to here were part of an answer. */
  fromSeq = 0;
  /** Frames about people that came during the join. */
  held: Frame[] = [];
  heldLost = false;

  constructor(connection: Connection) {
    this.connection = connection;
  }
}
