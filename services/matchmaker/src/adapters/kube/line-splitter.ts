/** Cuts a stream of bytes into lines, wherever the pieces begin and end. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * The lines that this piece completes, empty ones left out.
   * @throws RangeError when a line is longer than a watch may send
   */
  push(piece: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > this.#maxLineBytes)
      throw new RangeError(`a line of more than ${this.#maxLineBytes} bytes`);
    return lines.filter((line) => line.trim() !== '');
  }
}
