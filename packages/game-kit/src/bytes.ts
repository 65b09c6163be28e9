import { ReplicaError } from './errors.ts';
import { decodeUtf8, encodeUtf8, utf8Length } from './text.ts';

/** A growing buffer that is used again for every encoding; `take` hands out a copy. */
export class ByteWriter {
  length = 0;
  private bytes: Uint8Array;
  private view: DataView;

  constructor(capacityBytes = 4096) {
    this.bytes = new Uint8Array(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** An unsigned number of up to 32 bits, seven bits a byte, lowest first. */
  varint(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** A signed number of up to 32 bits; small ones of either sign are short. */
  zigzag(value: number): void {
    this.varint((value << 1) ^ (value >> 31));
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  text(value: string): void {
    const size = utf8Length(value);
    this.varint(size);
    this.reserve(size);
    if (size === value.length) {
      // Plain ASCII, as most texts are: much cheaper by hand.
      for (let i = 0; i < size; i++) this.bytes[this.length++] = value.charCodeAt(i);
      return;
    }
    this.length += encodeUtf8(value, this.bytes.subarray(this.length, this.length + size));
  }

  /** A copy of everything written so far. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Reads what `ByteWriter` wrote, from bytes that may be anything. */
export class ByteReader {
  offset = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.offset === this.bytes.length;
  }

  u8(): number {
    const value = this.bytes[this.offset];
    if (value === undefined) throw new ReplicaError('truncated', 'the bytes end too early');
    this.offset++;
    return value;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new ReplicaError('malformed', 'a number is longer than 32 bits');
  }

  zigzag(): number {
    const raw = this.varint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  f64(): number {
    if (this.offset + 8 > this.bytes.length) throw new ReplicaError('truncated', 'the bytes end too early');
    const value = this.view.getFloat64(this.offset, true);
    this.offset += 8;
    if (!Number.isFinite(value) || Object.is(value, -0))
      throw new ReplicaError('malformed', 'not a finite number');
    return value;
  }

  text(maxBytes: number): string {
    const size = this.varint();
    if (size > maxBytes) throw new ReplicaError('malformed', 'a text is longer than its column allows');
    const end = this.offset + size;
    if (end > this.bytes.length) throw new ReplicaError('truncated', 'the bytes end too early');
    const slice = this.bytes.subarray(this.offset, end);
    this.offset = end;
    try {
      return decodeUtf8(slice);
    } catch {
      throw new ReplicaError('malformed', 'a text is not UTF-8');
    }
  }
}
