/** JSON from strangers: bounded nesting, no duplicate or escaped keys, checked before anything is built. */

import { DecodeError } from './shape.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COLON = 0x3a;

/** Parses `text`; throws `DecodeError` when it is not JSON, is nested too deeply, or repeats a key. */
export function parseJson(text: string, maxDepth = 16): unknown {
  scan(text, maxDepth);
  try {
    return JSON.parse(text);
  } catch {
    throw new DecodeError('is not JSON');
  }
}

/** One pass over the text. Grammar is left to `JSON.parse`; this looks only at nesting and at keys. */
function scan(text: string, maxDepth: number): void {
  const keysByDepth: Set<string>[] = [];
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === OPEN_OBJECT || char === OPEN_LIST) {
      if (++depth > maxDepth) throw new DecodeError(`is nested more than ${maxDepth} deep`);
      keysByDepth[depth]?.clear();
    } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) {
      depth--;
    } else if (char === QUOTE) {
      const end = stringEnd(text, index + 1);
      if (isFollowedByColon(text, end + 1)) {
        keysByDepth[depth] ??= new Set();
        addKey(keysByDepth[depth]!, text.slice(index + 1, end));
      }
      index = end;
    }
  }
}

function stringEnd(text: string, from: number): number {
  for (let index = from; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === BACKSLASH) index++;
    else if (char === QUOTE) return index;
  }
  throw new DecodeError('is not JSON');
}

function isFollowedByColon(text: string, from: number): boolean {
  for (let index = from; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (char === COLON) return true;
    if (char !== 0x20 && char !== 0x09 && char !== 0x0a && char !== 0x0d) return false;
  }
  return false;
}

/** An escaped key could spell another one, so escapes in keys are refused: no field name needs them. */
function addKey(keys: Set<string>, key: string): void {
  if (key.includes('\\')) throw new DecodeError('has an escaped field name');
  if (keys.has(key)) throw new DecodeError('has the same field twice');
  keys.add(key);
}
