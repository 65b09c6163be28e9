/** A game that was played, as `breakwater games watch` serves it. */

export interface Recording {
  readonly game: string;
  readonly type: string;
  /** As the game's schema, which says how to read the states. */
  readonly schema: unknown;
  readonly tickHz: number;
  /** In the order of the log, without its claims and its end. */
  readonly frames: readonly RecordedFrame[];
  /** Full states to go on from when somebody jumps; the first one is that of frame 0. */
  readonly states: readonly { readonly frame: number; readonly bytes: string }[];
  /** Where another process took the game over. */
  readonly owners: readonly { readonly frame: number; readonly epoch: number; readonly pod: string }[];
  /** Why it is not longer: what is wrong with the record behind the last frame, or why the game ended. */
  readonly end: string | undefined;
}

export interface RecordedFrame {
  readonly seq: number;
  readonly epoch: number;
  readonly tick: number;
  /** When it was stored, Unix ms. */
  readonly at?: number | undefined;
  /** The change from the frame before, in base64. */
  readonly delta: string;
}

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
