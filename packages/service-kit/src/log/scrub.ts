import { stdSerializers } from 'pino';

/** Property names whose values never reach a log line, at any depth, in any spelling. */
const SENSITIVE =
  'authorization|password|passwd|secret|token|ticket|cookie|api[_-]?key|private[_-]?key|credential|jwt';

const SENSITIVE_NAME = new RegExp(SENSITIVE, 'i');

export const REDACTED = '[redacted]';

const MAX_DEPTH = 8;
const MAX_ITEMS = 200;
const MAX_TEXT = 16_384;

// Every repetition is bounded: texts may hold what strangers wrote, and must not cost more than their length.
const URL_CREDENTIALS = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@"\\]{1,300}@/gi;
const JWT = /\beyJ[\w-]{8,1000}\.[\w-]{2,4000}\.[\w-]{0,1000}/g;
const BEARER = /\b(bearer|basic)\s{1,4}[\w.~+/=-]{8,4000}/gi;
/** `name=value`, `name: value`, `"name":"value"`. */
const ASSIGNED = new RegExp(
  `((?:${SENSITIVE})[\\w-]{0,40}\\\\{0,4}["']?\\s{0,4}[=:]\\s{0,4}\\\\{0,4}["']?)[^\\s"'\\\\,;&}]{3,4000}`,
  'gi',
);

/** Free text with what looks like a secret masked, and bounded in length. */
export function scrubText(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}[cut]` : text;
  return short
    .replace(URL_CREDENTIALS, `$1${REDACTED}@`)
    .replace(JWT, REDACTED)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(ASSIGNED, `$1${REDACTED}`);
}

/** A copy of a log object as JSON would see it: secrets replaced, texts scrubbed, depth and width bounded. */
export function redactObject(value: object, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value).slice(0, MAX_ITEMS))
    copy[scrubText(name)] = redactProperty(value, name, depth);
  return copy;
}

function redactProperty(owner: object, name: string, depth: number): unknown {
  try {
    const item: unknown = Reflect.get(owner, name);
    if (item === undefined || item === null) return item;
    // A number or a flag is how many or whether, not the secret.
    const isSecret = SENSITIVE_NAME.test(name) && (typeof item === 'string' || typeof item === 'object');
    return isSecret ? REDACTED : redactValue(item, depth + 1);
  } catch {
    return '[unreadable]';
  }
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return value;
  return depth > MAX_DEPTH ? '[deep]' : redactObjectValue(value, depth);
}

function redactObjectValue(value: object, depth: number): unknown {
  if (value instanceof Error) return redactObject(stdSerializers.err(value), depth);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redactValue(item, depth + 1));
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map || value instanceof Set) return `[${value.size} items]`;
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function'
    ? redactValue(toJSON.call(value), depth + 1)
    : redactObject(value, depth);
}

/** Characters that JSON leaves as they are but terminals and viewers act on. */
const ACTIVE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A finished JSON line with active characters escaped; they can only be inside its strings. */
export function escapeLine(line: string): string {
  return line.replace(ACTIVE, escapeCharacter);
}
