import type { Frame } from './frame.ts';

/**
 * A list of frames, as a node of a tree of lists: `next(frame)` is the list with one frame more. Sockets that are
 * given the same frames in the same order arrive at the same node, whose bytes are joined once for all of them.
 * A tree lives for one turn of the event loop.
 */
export class Batch {
  /** How many frames the list holds. */
  readonly count: number;
  /** Bytes of all of them. */
  readonly byteLength: number;
  readonly #parent: Batch | undefined;
  readonly #frame: Frame | undefined;
  #newest: Batch | undefined;
  #others: Map<Frame, Batch> | undefined;
  #joined: Buffer | undefined;

  private constructor(parent: Batch | undefined, frame: Frame | undefined) {
    this.#parent = parent;
    this.#frame = frame;
    this.count = parent === undefined ? 0 : parent.count + 1;
    this.byteLength = parent === undefined ? 0 : parent.byteLength + (frame?.length ?? 0);
  }

  static empty(): Batch {
    return new Batch(undefined, undefined);
  }

  next(frame: Frame): Batch {
    const newest = this.#newest;
    if (newest !== undefined && newest.#frame === frame) return newest;
    return this.#others?.get(frame) ?? this.#add(frame);
  }

  #add(frame: Frame): Batch {
    const child = new Batch(this, frame);
    const before = this.#newest;
    if (before !== undefined) {
      this.#others ??= new Map();
      this.#others.set(before.#frame!, before);
    }
    this.#newest = child;
    return child;
  }

  /** All frames in order, in one buffer that every caller shares. */
  bytes(): Buffer {
    this.#joined ??= this.count === 1 ? this.#frame! : this.#join();
    return this.#joined;
  }

  #join(): Buffer {
    const joined = Buffer.allocUnsafe(this.byteLength);
    let end = this.byteLength;
    for (let node: Batch = this; node.#parent !== undefined; node = node.#parent) {
      end -= node.#frame!.length;
      joined.set(node.#frame!, end);
    }
    return joined;
  }
}
