import { GameError } from './errors.ts';
import { type Field, field } from './fields.ts';
import { isStorableText } from './text.ts';

export type ColumnType = 'u8' | 'u16' | 'u32' | 'i8' | 'i16' | 'i32' | 'f64' | 'bool' | 'text';
export type ColumnValue = number | boolean | string;

/** One column of a table: its type, its size, and the value of a row that leaves it out. */
export interface Column<V extends ColumnValue = ColumnValue> {
  readonly type: ColumnType;
  /** Bytes of UTF-8 that a `text` may take. */
  readonly maxBytes: number;
  readonly zero: V;
}

export type Columns = { readonly [name: string]: Column };
export type ValueOf<C> = C extends Column<infer V> ? V : never;

export const MAX_COLUMNS = 32;
export const MAX_TEXT_BYTES = 4096;

/** Least and greatest value of the numeric types. */
export const NUMBER_RANGE: { readonly [type in ColumnType]: readonly [number, number] } = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  i8: [-0x80, 0x7f],
  i16: [-0x8000, 0x7fff],
  i32: [-0x8000_0000, 0x7fff_ffff],
  f64: [-Number.MAX_VALUE, Number.MAX_VALUE],
  bool: [0, 1],
  text: [0, 0],
};

function numeric(type: ColumnType): Column<number> {
  return { type, maxBytes: 0, zero: 0 };
}

export const u8 = (): Column<number> => numeric('u8');
export const u16 = (): Column<number> => numeric('u16');
export const u32 = (): Column<number> => numeric('u32');
export const i8 = (): Column<number> => numeric('i8');
export const i16 = (): Column<number> => numeric('i16');
export const i32 = (): Column<number> => numeric('i32');
/** A double; NaN, infinities and -0 are refused, because they do not survive every way that a state travels. */
export const f64 = (): Column<number> => numeric('f64');

/** True or false; as an argument or option it may state what is meant when it is left out. */
export function bool(fallback?: boolean): Column<boolean> & Field<boolean> {
  return {
    type: 'bool',
    maxBytes: 0,
    zero: fallback ?? false,
    ...field({ type: 'bool' }, fallback, (value) => typeof value === 'boolean'),
  };
}

/** Well-formed text of at most `maxBytes` in UTF-8; `fallback` as with `bool`. */
export function text(maxBytes: number, fallback?: string): Column<string> & Field<string> {
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > MAX_TEXT_BYTES) {
    throw new GameError('bad_definition', `text(maxBytes) takes 1 to ${MAX_TEXT_BYTES}, not ${maxBytes}`);
  }
  return {
    type: 'text',
    maxBytes,
    zero: fallback ?? '',
    ...field({ type: 'text', maxBytes }, fallback, (value) => isStorableText(value, maxBytes)),
  };
}
