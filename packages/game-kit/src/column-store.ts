import { type Column, type ColumnType, type ColumnValue, NUMBER_RANGE } from './columns.ts';
import { GameError } from './errors.ts';
import { isStorableText } from './text.ts';

/** How a type is written; numbers, because the encoder branches on it for every value. */
export const FORM_BYTE = 0;
export const FORM_VARINT = 1;
export const FORM_ZIGZAG = 2;
export const FORM_F64 = 3;
export const FORM_TEXT = 4;

const FORMS: { readonly [type in ColumnType]: number } = {
  u8: FORM_BYTE,
  i8: FORM_BYTE,
  bool: FORM_BYTE,
  u16: FORM_VARINT,
  u32: FORM_VARINT,
  i16: FORM_ZIGZAG,
  i32: FORM_ZIGZAG,
  f64: FORM_F64,
  text: FORM_TEXT,
};

/** The values of one column, by slot: a typed array for numbers and booleans, a list for texts. */
export class ColumnStore {
  readonly name: string;
  readonly index: number;
  readonly type: ColumnType;
  readonly form: number;
  readonly maxBytes: number;
  readonly zero: ColumnValue;
  /** This column's bit in a row's dirty mask. */
  readonly bit: number;
  readonly isText: boolean;
  readonly isBool: boolean;
  numbers: Int32Array | Float64Array;
  readonly texts: string[] = [];
  private readonly min: number;
  private readonly max: number;
  private readonly whole: boolean;

  constructor(name: string, index: number, column: Column) {
    const { type } = column;
    this.name = name;
    this.index = index;
    this.type = type;
    this.form = FORMS[type];
    this.maxBytes = column.maxBytes;
    this.zero = column.zero;
    this.bit = 2 ** index;
    this.isText = type === 'text';
    this.isBool = type === 'bool';
    this.numbers = type === 'f64' || type === 'u32' ? new Float64Array(0) : new Int32Array(0);
    [this.min, this.max] = NUMBER_RANGE[type];
    this.whole = type !== 'f64';
  }

  grow(capacity: number): void {
    if (this.isText) return;
    const grown =
      this.type === 'f64' || this.type === 'u32' ? new Float64Array(capacity) : new Int32Array(capacity);
    grown.set(this.numbers);
    this.numbers = grown;
  }

  read(slot: number): ColumnValue {
    if (this.isText) return this.texts[slot]!;
    const value = this.numbers[slot]!;
    return this.isBool ? value === 1 : value;
  }

  /** Stores a value that `check` let pass. */
  write(slot: number, value: ColumnValue): void {
    if (this.isText) this.texts[slot] = value as string;
    else this.numbers[slot] = value as number;
  }

  /** Throws `GameError('bad_value')` unless the value lies in the column's domain. */
  check(value: unknown): void {
    if (
      this.isText
        ? isStorableText(value, this.maxBytes)
        : this.isBool
          ? typeof value === 'boolean'
          : this.fits(value)
    ) {
      return;
    }
    throw new GameError('bad_value', `${this.name} (${this.type}) cannot hold ${describe(value)}`);
  }

  private fits(value: unknown): boolean {
    if (typeof value !== 'number' || !(value >= this.min && value <= this.max)) return false;
    return this.whole ? Math.trunc(value) === value : !Object.is(value, -0);
  }

  /** Opens a place at `slot` by moving the values from there on to `end` one place up. */
  shiftUp(slot: number, end: number): void {
    if (this.isText) {
      this.texts.splice(slot, 0, '');
      this.texts.length = end + 1;
    } else {
      this.numbers.copyWithin(slot + 1, slot, end);
    }
  }

  /** Moves one value down, when holes are squeezed out. */
  move(from: number, to: number): void {
    if (this.isText) this.texts[to] = this.texts[from]!;
    else this.numbers[to] = this.numbers[from]!;
  }

  truncate(used: number): void {
    if (this.isText) this.texts.length = Math.min(this.texts.length, used);
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}
